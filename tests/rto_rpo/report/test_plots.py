from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from rto_rpo.report.density import BINS_MAX, Density, fixed
from rto_rpo.report.document import document
from rto_rpo.report.model import Density as Counts
from rto_rpo.report.model import Report
from rto_rpo.report.plots.bars import bars
from rto_rpo.report.plots.drawing import Area, Box, Drawing, Label, Scale, short
from rto_rpo.report.plots.outage import outage
from rto_rpo.report.plots.overview import overview
from tests.rto_rpo.report.runs import MET, Run, write_run

WIDTHS = [940.0, 660.0, 350.0]


def report(folder: Path, run: Run) -> Report:
    return Report.model_validate(document(write_run(folder, run) / "ledger.jsonl", run.plan))


def boxes(drawing: Drawing, style: str) -> list[Box]:
    return [shape for shape in drawing.shapes if isinstance(shape, Box) and shape.style.startswith(style)]


def labels(drawing: Drawing) -> list[str]:
    return [shape.text for shape in drawing.shapes if isinstance(shape, Label)]


@pytest.mark.parametrize("width", WIDTHS)
def test_phases_are_drawn_to_scale_and_without_gaps(tmp_path: Path, width: float) -> None:
    content = report(tmp_path, MET)
    time = content.recovery_times[0]
    drawing = outage(content, time, width)
    assert drawing is not None
    bands = boxes(drawing, "phase ")
    whole = bands[-1].x + bands[-1].width - bands[0].x
    for band, phase in zip(bands, time.phases, strict=True):
        assert band.width == pytest.approx(
            max(1.0, whole * phase.seconds / (time.upper_seconds or 1)), abs=0.1
        )
    assert all(left.x + left.width == pytest.approx(right.x, abs=0.1) for left, right in pairwise(bands))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bounds_end_where_the_phases_end(tmp_path: Path, width: float) -> None:
    content = report(tmp_path, MET)
    drawing = outage(content, content.recovery_times[0], width)
    assert drawing is not None
    (between,) = boxes(drawing, "between")
    last = boxes(drawing, "phase ")[-1]
    assert between.x + between.width == pytest.approx(last.x + last.width, abs=0.1)
    (certain,) = boxes(drawing, "certain")
    assert certain.x + certain.width == pytest.approx(between.x, abs=0.1)
    assert "529 ms to 604 ms" in labels(drawing)


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_stays_within_the_picture(tmp_path: Path, width: float) -> None:
    content = report(tmp_path, MET)
    for drawing in (overview(content, width), outage(content, content.recovery_times[0], width)):
        assert drawing is not None
        for shape in drawing.shapes:
            if isinstance(shape, Box):
                assert 0 <= shape.x <= shape.x + shape.width <= width + 0.1
                assert 0 <= shape.y <= shape.y + shape.height <= drawing.height
            elif isinstance(shape, Label):
                assert 0 <= shape.x <= width
                assert 0 <= shape.y <= drawing.height


def test_the_promise_and_the_outage_share_one_scale(tmp_path: Path) -> None:
    content = report(tmp_path, replace(MET, end_at_seconds=60.0))
    drawing = overview(content, 940.0)
    assert drawing is not None
    (promise,), (gone,) = boxes(drawing, "promise"), boxes(drawing, "gone")
    assert gone.width / promise.width == pytest.approx(0.529 / 30.0, rel=0.02)
    assert "promised: back within 30 s" in labels(drawing)


def test_a_service_that_never_came_back_has_no_end(tmp_path: Path) -> None:
    content = report(tmp_path, replace(MET, back_at_seconds=99.0, safe_at_seconds=None))
    drawing = outage(content, content.recovery_times[0], 940.0)
    assert drawing is not None
    assert "first lasting acknowledgement" not in labels(drawing)
    assert any("no upper bound" in text for text in labels(drawing))
    assert "service did not come back steadily" in drawing.description


def test_no_fault_no_picture_of_an_outage(tmp_path: Path) -> None:
    content = report(tmp_path, replace(MET, cut_off=True))
    assert content.recovery_times == []
    assert overview(content, 940.0) is not None
    assert (
        overview(
            content.model_copy(update={"timeline": content.timeline.model_copy(update={"whole": []})}), 940
        )
        is None
    )


def test_ticks_are_round_and_within() -> None:
    scale = Scale(-8.2, 11.3, 0, 900)
    assert [text for _, text in scale.ticks(8)] == ["\N{MINUS SIGN}5", "0", "5", "10"]
    fine = Scale(-0.1, 0.7, 0, 900)
    assert [text for _, text in fine.ticks(8)] == [
        *("\N{MINUS SIGN}0.1", "0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")
    ]
    assert list(Scale(3.0, 3.0, 0, 900).ticks(8)) == [(3.0, "3")]


def test_a_growing_density_keeps_every_count_in_a_bounded_number_of_bins() -> None:
    density = Density(0)
    for ns in range(0, 10**12, 10**9):
        density.add([ns], served=ns % (3 * 10**9) != 0)
    served, bad = density.until(10**12)
    assert (sum(served), sum(bad)) == (666, 334)
    assert len(served) == len(bad) <= BINS_MAX
    assert density.bin_ns * BINS_MAX >= 10**12 > density.bin_ns * BINS_MAX // 4


def test_a_density_is_the_same_in_whatever_portions_it_was_counted() -> None:
    instants = [ns * 7_919 % 10**11 for ns in range(0, 10**9, 10**6)]
    one_by_one, at_once = Density(0), Density(0)
    for ns in instants:
        one_by_one.add([ns], served=True)
    at_once.add(instants, served=True)
    at_once.add([], served=False)
    assert at_once == one_by_one


def test_a_fixed_density_counts_its_stretch_only() -> None:
    density = fixed(1_000, 2_000)
    density.add([0, 999, 1_000, 1_500, 1_999, 5_000], served=True)
    assert sum(density.until(2_000)[0]) == 3


def test_bars_merge_bins_that_are_narrower_than_two_pixels() -> None:
    counts = Counts(stream="s", begin_at_seconds=0, bin_seconds=0.01, served=[1] * 400, bad=[0] * 400)
    up = next(iter(bars(counts, Scale(0, 4, 0, 100), 50, 40, 20)))
    assert isinstance(up, Area)
    assert up.path.count("M") == 50


def test_long_names_are_shortened_in_plots() -> None:
    assert short("gateway", 16) == "gateway"
    assert short("x" * 40, 16) == "x" * 15 + "\N{HORIZONTAL ELLIPSIS}"
