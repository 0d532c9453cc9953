"""What the report says in Markdown, on the terminal and in single sentences."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from rto_rpo.report import damage, sentences
from rto_rpo.report.document import document
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.forms.summary import summary
from rto_rpo.report.model import Report
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_run
from tests.rto_rpo.report.test_html import HOSTILE_RUN


def content(folder: Path, run: Run) -> dict[str, Any]:
    return document(write_run(folder, run) / "ledger.jsonl", run.plan)


def test_the_summary_tells_a_met_run_at_a_glance(tmp_path: Path) -> None:
    assert summary(content(tmp_path, MET)) == [
        "MET  trading-desk, drill kill-primary",
        "  gateway RTO   529 ms to 604 ms                  declared 30 s: met",
        "  orders RPO    nothing lost (68 writes checked)  declared 0 s: met",
        "  safe RTO      529 ms to 900 ms                  reported, not judged",
        "  lost          0 of 68 acknowledged writes",
        "  verification  1 s",
        "  not tested    engine RTO, ticks RPO",
        "  versions      3 known, 1 not known",
    ]


def test_the_summary_names_what_was_lost_and_why_it_counts(tmp_path: Path) -> None:
    lines = summary(content(tmp_path, MISSED))
    assert lines[0] == "MISSED  trading-desk, drill kill-primary"
    assert "  orders RPO: 3 acknowledged writes lost, where 0 s allows none" in lines
    assert "  lost          3 of 68 acknowledged writes: 36\N{EN DASH}38" in lines
    assert any("safe RTO      not reached" in line for line in lines)


def test_the_summary_never_calls_an_unread_stream_unharmed(tmp_path: Path) -> None:
    lines = summary(content(tmp_path, INCONCLUSIVE))
    assert lines[0].startswith("INCONCLUSIVE")
    assert any("the run is void" in line for line in lines)
    assert any("unknown: orders could not be read back in full" in line for line in lines)


def test_the_summary_of_hostile_names_stays_on_its_lines(tmp_path: Path) -> None:
    lines = summary(content(tmp_path, HOSTILE_RUN))
    assert not any(set("\n\r\x1b\u202e") & set(line) for line in lines)


@pytest.mark.parametrize("run", [MET, MISSED, INCONCLUSIVE])
def test_markdown_has_the_tables_that_the_page_has(tmp_path: Path, run: Run) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(markdown(content(tmp_path, run)))
    assert "<td>gateway RTO</td>\n<td>30 s</td>" in rendered
    assert "<td>engine RTO</td>" in rendered
    assert "<strong>Not tested:</strong> engine RTO, ticks RPO" in rendered
    assert "<h2>Evidence</h2>" in rendered


def test_markdown_names_the_lost_writes(tmp_path: Path) -> None:
    text = markdown(content(tmp_path, MISSED))
    assert re.findall(r"^\| (\d+) \| 2026-11-22T06:00:1", text, re.MULTILINE) == ["36", "37", "38"]


def test_hostile_names_are_no_markup_in_markdown(tmp_path: Path) -> None:
    hostile = replace(HOSTILE_RUN, drill="# <b>x</b> | [a](http://evil) ![i](http://evil) `c` *e* _u_ &amp;")
    rendered = MarkdownIt("commonmark").enable("table").render(markdown(content(tmp_path, hostile)))
    allowed = r"</?(h1|h2|p|ul|li|table|thead|tbody|tr|th|td|strong|code)( style=\"[^\"]*\")?>"
    assert "<" not in re.sub(allowed, "", rendered)
    assert "&lt;b&gt;x&lt;/b&gt; | [a](http://evil)" in rendered
    assert "&amp;amp;" in rendered


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "kill_site", "site": "primary"}, 'every process of site "primary" was killed at once'),
        ({"kind": "none"}, "nothing was broken on purpose"),
        (
            {"kind": "slow_disk", "site": "dr", "delay": "2s"},
            "the fault slow disk was injected (delay 2s, site dr)",
        ),
        ({"kind": "kill_site"}, "the fault kill site was injected"),
        (
            {"kind": "partition", "site": "dr", "direction": "inbound"},
            'the packets of site "dr" were dropped, what came in',
        ),
        ({}, "nothing was broken on purpose"),
    ],
)
def test_every_fault_can_be_said(tmp_path: Path, fault: dict[str, Any], text: str) -> None:
    report = Report.model_validate(content(tmp_path, MET))
    said = damage.fault(report.model_copy(update={"drill": report.drill.model_copy(update={"fault": fault})}))
    assert (
        said.replace("\N{LEFT DOUBLE QUOTATION MARK}", '"').replace("\N{RIGHT DOUBLE QUOTATION MARK}", '"')
        == text
    )


def test_one_sentence_says_what_happened(tmp_path: Path) -> None:
    told = sentences.what_happened(Report.model_validate(content(tmp_path / "met", MET)))
    assert told.startswith("On 22 November 2026, 06:00:12 UTC, every process of site")
    assert told.endswith(
        "gateway served its clients again after at most 604 ms (promised: 30 s), "
        "and none of the 68 acknowledged writes of orders was lost."
    )
    never = replace(MET, back_at_seconds=99.0, safe_at_seconds=None)
    told = sentences.what_happened(Report.model_validate(content(tmp_path / "never", never)))
    assert "gateway did not serve its clients steadily again" in told
    unseen = replace(MET, back_at_seconds=0.0)
    told = sentences.what_happened(Report.model_validate(content(tmp_path / "unseen", unseen)))
    assert "the clients of gateway saw no outage" in told


def test_only_the_reasons_that_weigh_are_told(tmp_path: Path) -> None:
    report = Report.model_validate(content(tmp_path, MISSED))
    assert len(report.reasons) > len(sentences.reasons(report)) == 3
    assert sentences.reasons(Report.model_validate(content(tmp_path / "met", MET))) == []


def test_a_way_to_go_wrong_says_what_it_counts_as(tmp_path: Path) -> None:
    report = Report.model_validate(content(tmp_path, MISSED))
    ways = {
        what: (consequence, found)
        for what, _, consequence, found in sentences.ways(report.recovery_points[0])
    }
    assert ways["Lost"] == ("missed, beyond the RPO", [36, 37, 38])
    assert ways["Unknown, not kept"] == ("not counted", [40, 41])


def test_a_drill_that_breaks_nothing_counts_from_its_start(tmp_path: Path) -> None:
    report = Report.model_validate(content(tmp_path, replace(MET, fault={"kind": "none"}, begins=False)))
    assert sentences.zero(report) == "the start"
    assert "nothing was broken on purpose: gateway served its clients again" in sentences.what_happened(
        report
    )


def test_a_fault_that_was_never_injected_is_told(tmp_path: Path) -> None:
    report = Report.model_validate(content(tmp_path, replace(MET, begins=False)))
    assert sentences.what_happened(report).endswith(
        "the fault was never injected; the measurement is void, and nothing follows from it."
    )
