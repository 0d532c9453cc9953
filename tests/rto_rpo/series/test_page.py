"""The page of a history: every run drawn to scale, nothing hostile alive, everything said in words too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.evidence.lines.signature import new_key
from rto_rpo.report.forms.html import WIDTHS
from rto_rpo.report.plots.drawing import Box, Drawing, Label
from rto_rpo.series.gather import Past, Series, gather
from rto_rpo.series.page import page
from rto_rpo.series.plot import RUNS_MAX, describe, plot
from rto_rpo.statistics import UNKNOWN, Observation, statistics
from tests.rto_rpo.evidence.folders import add_run, make_folder
from tests.rto_rpo.report.runs import MET
from tests.rto_rpo.report.test_html import HOSTILE_RUN, Page

SEEN = (Observation(1.0, 2.0), Observation(3.0, None), UNKNOWN, Observation(12.0, 12.5))


def _series(seen: tuple[Observation, ...], limit: float = 10.0) -> Series:
    runs = tuple(
        Past(
            str(number),
            f"run-{number}",
            f"2026-11-{number % 28 + 1:02}T06:00:00Z",
            one,
            one.verdict(limit),
            "",
        )
        for number, one in enumerate(seen)
    )
    return Series("desk", "kill", "gateway", "rto", 1, (limit,), runs, statistics(seen, limit))


def _drawn(series: Series, width: float) -> Drawing:
    drawing = plot(series, width, "it")
    assert drawing is not None
    return drawing


def _boxes(drawing: Drawing, style: str) -> list[Box]:
    return [shape for shape in drawing.shapes if isinstance(shape, Box) and shape.style == style]


@pytest.mark.parametrize("width", WIDTHS.values())
def test_every_run_is_a_row_and_lengths_are_to_scale(width: float) -> None:
    drawing = _drawn(_series(SEEN), width)
    [promise] = _boxes(drawing, "promise")
    second = promise.width / 10
    between, gone = _boxes(drawing, "between"), _boxes(drawing, "gone")
    assert len(between) == len(SEEN)
    assert [box.width for box in gone] == [pytest.approx(at * second, abs=0.2) for at in (1, 3, 12)]
    assert between[0].width == pytest.approx(second, abs=0.2)
    right = max(box.x + box.width for box in between)
    assert between[1].x + between[1].width == between[2].x + between[2].width == right  # endless
    assert between[2].x == promise.x  # of which nothing is known
    assert [box.y for box in between] == sorted({box.y for box in between})


@pytest.mark.parametrize("width", WIDTHS.values())
def test_what_is_not_met_says_so_in_words(width: float) -> None:
    texts = [shape.text for shape in _drawn(_series(SEEN), width).shapes if isinstance(shape, Label)]
    assert texts.count("→ inconclusive") == 2
    assert texts.count("missed") == 1
    assert all(box.x + box.width <= width for box in _boxes(_drawn(_series(SEEN), width), "between"))


def test_a_promise_far_away_leaves_the_runs_their_room() -> None:
    drawing = _drawn(_series((Observation(1.0, 2.0),), limit=3600.0), 940.0)
    assert _boxes(drawing, "gone")[0].width > 300
    assert any(
        "promised: at most 1 h →" in shape.text for shape in drawing.shapes if isinstance(shape, Label)
    )


def test_the_bound_of_the_highest_known_quantile_is_drawn() -> None:
    few = _drawn(_series((Observation(1.0, 2.0),) * 4), 940.0)
    many = _drawn(_series((Observation(1.0, 2.0),) * 59), 940.0)
    texts = [shape.text for shape in many.shapes if isinstance(shape, Label)]
    assert "95 % of all: at most 2 s" in texts
    assert not [shape for shape in few.shapes if isinstance(shape, Label) and "of all" in shape.text]


def test_many_runs_stay_on_the_page_and_what_is_not_drawn_is_said() -> None:
    series = _series((Observation(1.0, 2.0),) * (RUNS_MAX + 7))
    drawing = _drawn(series, 940.0)
    assert len(_boxes(drawing, "between")) == RUNS_MAX
    assert drawing.height < 1000
    assert "7 older ones are not" in describe(series)


def test_a_miss_among_many_is_still_named() -> None:
    drawing = _drawn(_series((Observation(1.0, 2.0),) * 150 + (Observation(11.0, 12.0),)), 940.0)
    assert [shape.text for shape in drawing.shapes if isinstance(shape, Label)].count("missed") == 1


def test_nothing_at_all_is_no_picture() -> None:
    assert plot(_series((Observation(0.0, 0.0),), limit=0.0), 940.0, "it") is None


def test_the_page_is_whole_and_nothing_hostile_comes_alive(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET, replace(HOSTILE_RUN, number=2)))
    text = page(gather(tmp_path))
    found = Page(text)
    assert found.open == []
    assert "<script" not in text
    assert "<img" not in text
    shown = "".join(found.words)
    assert "</title><script>alert('x')</script>" in shown
    assert "One run is an observation, not a capability" in shown
    assert gather(tmp_path).head in shown


@pytest.mark.parametrize("key", [True, False])
def test_the_page_says_so_where_nobody_signed(tmp_path: Path, key: bool) -> None:
    make_folder(tmp_path / "evidence", new_key(tmp_path / "key.pem") if key else None, (MET,))
    assert ("NOT SIGNED" in page(gather(tmp_path / "evidence"))) is not key


def test_a_broken_chain_is_the_first_thing_that_the_page_says(tmp_path: Path) -> None:
    make_folder(tmp_path, None, (MET,))
    add_run(tmp_path, replace(MET, number=2), None)
    path = tmp_path / "chain.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert "Nothing here is proven" in page(gather(tmp_path))
