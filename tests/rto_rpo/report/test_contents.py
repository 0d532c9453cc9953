"""The list of contents of a long page, and what stands in the style sheet of a printed one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.report.document import document
from rto_rpo.report.forms.contents import css_text, with_contents
from rto_rpo.report.forms.html import html
from tests.rto_rpo.report.runs import MET, write_run


def page_of(folder: Path, drill: str = "kill-primary") -> str:
    run = replace(MET, drill=drill)
    return html(document(write_run(folder, run) / "ledger.jsonl", run.plan))


def test_every_part_after_the_first_page_is_in_the_contents_in_order(tmp_path: Path) -> None:
    page = page_of(tmp_path)
    listed = re.findall(r'<li><a href="#(part-\d+)">(.*?)</a></li>', page)
    named = re.findall(r'<h2 id="(part-\d+)">(.*?)</h2>', page)
    assert [place for place, _ in listed] == [place for place, _ in named]
    assert listed == [(place, re.sub(r"<[^>]*>", "", text)) for place, text in named]
    assert len(listed) > 8
    assert "The drill, to scale" in dict(listed).values()


def test_a_page_without_the_mark_stays_as_it_is() -> None:
    assert with_contents("<h2>one</h2>") == "<h2>one</h2>"


@pytest.mark.parametrize(
    "text", ['"; } body { display: none', "</style><script>x</script>", "\\22 ", "\u202e\n"]
)
def test_nothing_ends_a_string_of_the_style_sheet(text: str) -> None:
    told = css_text(text)
    assert re.fullmatch(r'"(?:[A-Za-z0-9]|\\[0-9a-f]{6})*"', told)


def test_the_head_of_a_printed_page_names_plan_and_drill(tmp_path: Path) -> None:
    hostile = "</style><b>"
    page = page_of(tmp_path, drill=hostile)
    assert page.count("</style>") == 1
    assert css_text("trading-desk, drill </style><b>") in page
