from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.report.document import document
from rto_rpo.report.forms.html import html
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_run

RUNS = {"met": MET, "missed": MISSED, "inconclusive": INCONCLUSIVE}
HOSTILE = "</title><script>alert('x')</script>\"><img src=x onerror=alert(1)>\n\u202e{{ 7*7 }}"
HOSTILE_RUN = Run(
    plan=b"name: hostile\n",
    plan_name=HOSTILE,
    drill=HOSTILE,
    environment=HOSTILE,
    service=HOSTILE,
    stream=HOSTILE,
    lost=frozenset({36}),
    fault={"kind": HOSTILE, HOSTILE: HOSTILE},
    check={"name": HOSTILE, "verdict": "missed", "reason": HOSTILE},
    note={HOSTILE: [HOSTILE, {"deep": HOSTILE}]},
)


def content(folder: Path, run: Run) -> dict[str, Any]:
    return document(write_run(folder, run) / "ledger.jsonl", run.plan)


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "wbr", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def attributes(self, name: str) -> Iterator[str]:
        return (attrs[name] or "" for _, attrs in self.tags if name in attrs)


@pytest.fixture(scope="module", params=[*RUNS, "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    run = RUNS.get(request.param, HOSTILE_RUN)
    return Page(html(content(tmp_path_factory.mktemp("run"), run)))


def test_every_element_is_closed_in_order(page: Page) -> None:
    assert page.open == []


def test_there_is_no_script_and_no_way_to_run_one(page: Page) -> None:
    allowed = {
        *("html", "head", "meta", "link", "title", "style", "body", "main", "header", "section", "aside"),
        *("nav", "ol", "a"),  # the list of contents
        *("h1", "h2", "h3", "p", "span", "strong", "ul", "li", "dl", "dt", "dd", "div", "pre", "code", "wbr"),
        *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption"),
        *("svg", "defs", "pattern", "rect", "line", "path", "circle", "text", "desc"),
    }
    assert {tag for tag, _ in page.tags} <= allowed
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_nothing_is_fetched_from_anywhere(page: Page) -> None:
    assert not list(page.attributes("src"))
    links = [link for link in page.attributes("href") if not link.startswith("#part-")]
    assert set(links) == {"data:,"}
    text = "".join(page.words)
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#hatch-bad", "#hatch-between", "#hatch-fault"}
    assert "@import" not in text
    assert any("default-src 'none'" in policy for policy in page.attributes("content"))


def test_tables_have_headers_and_plots_have_words(page: Page) -> None:
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    plots = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    assert plots
    named = set(page.attributes("id"))
    for plot in plots:
        assert set((plot["aria-labelledby"] or "").split()) <= named
    hidden = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") != "img"]
    assert all(attrs.get("aria-hidden") == "true" for attrs in hidden)
    assert len(list(page.attributes("id"))) == len(named)


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    text = html(content(tmp_path, HOSTILE_RUN))
    assert "<script" not in text
    assert "<img" not in text
    assert "49" not in "".join(re.findall(r"<title>.*?</title>", text))
    assert not {"\u202e", "\x00"} & set(text)
    shown = "".join(Page(text).words)
    assert "</title><script>alert('x')</script>" in shown
    assert "{{ 7*7 }}" in shown


def test_the_verdict_is_said_in_words_and_shape(tmp_path: Path) -> None:
    for verdict, run in RUNS.items():
        text = html(content(tmp_path / verdict, run))
        assert f"<h1>{verdict.capitalize()}</h1>" in text
        assert f'<svg class="emblem {verdict}"' in text


def test_what_was_not_tested_stands_before_the_details(tmp_path: Path) -> None:
    text = html(content(tmp_path, MET))
    assert text.index("What this drill did not test") < text.index("The drill, to scale")
    assert text.count("not tested") >= 2
    assert "<strong>engine</strong> (RTO 5 min)" in text


def test_an_event_may_say_nothing_of_itself(tmp_path: Path) -> None:
    bare = tuple((name, 0.3, {}) for name in ("restored", "undo", "healed", "fenced"))
    words = " ".join(" ".join(Page(html(content(tmp_path, replace(MET, more=bare)))).words).split())
    assert "Nothing was restored from a backup" in words
    assert "nothing says that it was undone" in words


def test_a_fault_that_never_came_is_not_told_as_done(tmp_path: Path) -> None:
    never = html(content(tmp_path, replace(MET, begins=False)))
    assert "was killed at once" not in never
    assert "The fault that was planned (kill site) was never injected." in never
    assert '<span class="whole">not reached</span>' in never


def test_a_fault_without_effect_is_not_told_as_done(tmp_path: Path) -> None:
    found = content(tmp_path, MET)
    for proof, told in ((False, "did not take effect"), (None, "nothing proved that it took effect")):
        found["instrument"]["fault_effective"] = proof
        page = html(found)
        assert "was killed at once" not in page
        assert told in page


def test_on_paper_a_long_list_of_lost_writes_is_cut_and_says_so(tmp_path: Path) -> None:
    many = replace(MISSED, interval_seconds=0.01, lost=frozenset(range(100, 150)))
    page = html(content(tmp_path, many))
    assert '<span class="paper-only">: the first 30 of 50; report.json has them all</span>' in page
    assert "screen-only" not in page.split("</style>")[1]
    assert "nth-child(n+31)" in page


def test_lost_writes_are_named(tmp_path: Path) -> None:
    words = " ".join(Page(html(content(tmp_path, MISSED))).words)
    assert "3 of the 68 acknowledged writes of orders were lost" in words
    assert "2026-11-22T06:00:11.803100Z" in words
    assert "order c-37 is at the venue and not in the database" in words


def test_nothing_lost_says_of_how_many_and_what_that_proves(tmp_path: Path) -> None:
    text = html(content(tmp_path, MET))
    assert "None of the 68 acknowledged writes of orders was lost" in text
    assert "one write in 22 gets lost in such an event (3/N)" in text


def test_a_void_run_strikes_its_numbers_through(tmp_path: Path) -> None:
    text = html(content(tmp_path, INCONCLUSIVE))
    assert "the measurement is void, and nothing follows from it" in text
    assert 'class="struck"' in text
    assert "What follows was recorded, and proves nothing." in text
    assert 'class="struck"' not in html(content(tmp_path / "met", MET))


def test_a_run_that_hardly_began_still_makes_a_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path, MET)
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    for count in (1, 2, 40):
        (folder / "ledger.jsonl").write_bytes(b"".join(lines[:count]))
        text = html(document(folder / "ledger.jsonl", MET.plan))
        assert "<h1>Inconclusive</h1>" in text


def test_a_thousand_lost_writes_do_not_swell_the_page(tmp_path: Path) -> None:
    run = replace(MISSED, interval_seconds=0.002, lost=frozenset(range(1000)))
    text = html(content(tmp_path, run))
    assert "the first 100 of 1,000; report.json has them all" in text
    assert len(text) < 300_000
