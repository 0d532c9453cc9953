"""The sections that the rest of the evidence adds to a run's report."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from rto_rpo.controls.profile import profile, shipped
from rto_rpo.dossier.dossier import Dossier, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.lines.record import SignOff
from rto_rpo.report import people, sentences
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.junit import junit
from rto_rpo.report.forms.markdown import markdown
from rto_rpo.report.forms.summary import summary
from rto_rpo.report.model import Report
from rto_rpo.report.plots.drawing import Area
from rto_rpo.report.plots.trend import SHOWN_MAX, trend
from tests.rto_rpo.dossier.stories import NAME, Story, by, run_of, whole_story
from tests.rto_rpo.report.runs import MET
from tests.rto_rpo.report.test_html import Page

SECTIONS = (
    *("What was promised, and what was measured", "What this drill did not test", "How this run stands"),
    *("What changed since the previous run", "Who agreed to it, and to what"),
    *("Versions of what was tried", "The drill, to scale"),
    *("How long gateway was gone", "What orders lost", "Backup and restore", "Trading safety"),
    *("How it ended", "Was there ever more than one writer?", "Checks", "Can the instrument be trusted?"),
    *("Everything that happened", "Who took part, and communication"),
    *("Deviations, and what was not run", "Drill after drill"),
    *("What was tested so far, and what never was", "Findings", "Lessons", "Control mapping", "Sign-off"),
    "Evidence",
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return whole_story(tmp_path_factory.mktemp("story") / "evidence")


@pytest.fixture(scope="module")
def dossiers(story: Story) -> list[Dossier]:
    profiles = [profile(name) for name in shipped()]
    return list(beside_runs(read_shelf(story.root), NAME, profiles))


def page_of(story: Story, dossier: Dossier) -> str:
    assert dossier.run is not None
    return html(orjson.loads((story.root / dossier.run.folder / "report.json").read_bytes()), dossier)


def words_of(text: str) -> str:
    return " ".join(" ".join(Page(text).words).split())


def heading(text: str, section: str) -> int:
    found = re.search(rf"<h2[^>]*>{re.escape(section)}</h2>", text)
    assert found is not None, section
    return found.start()


def test_every_section_is_there_in_order(story: Story, dossiers: list[Dossier]) -> None:
    text = page_of(story, dossiers[1])
    places = [heading(text, section) for section in SECTIONS]
    assert places == sorted(places)
    for title in ("Scenario and assumptions", "Scope, and what is out of it", "Roles, planned and actual"):
        assert f"<h3>{title}</h3>" in text
    assert "<h3>Which damage was tried, and on what</h3>" in text


def test_markdown_has_the_sections_too(story: Story, dossiers: list[Dossier]) -> None:
    run = dossiers[1].run
    assert run is not None
    text = markdown(orjson.loads((story.root / run.folder / "report.json").read_bytes()), dossiers[1])
    wanted = (
        *("Promised and measured", "Who agreed to it, and to what", "Versions of what was tried"),
        *("How long gateway was gone", "What orders lost", "Backup and restore", "Checks", "Trading safety"),
        *("Everything that happened", "Who took part, and communication", "Deviations", "Lessons"),
        *("Drill after drill", "Tested so far", "Which damage was tried, and on what", "Findings"),
        *("Control mapping: DORA", "Sign-off", "The instrument", "Evidence"),
    )
    places = [text.index(f"\n## {section}") for section in wanted]
    assert places == sorted(places)
    assert "- Scenario: The primary site is lost at a busy hour." in text
    assert "| reviewer | Bo | not on record |" in text
    assert "The venue's test session began ten minutes late." in text
    assert "**Not tested:** nothing was restored" in text
    assert "| gateway RTO, kill-primary | 1 | 0 | 1 |" in text


def test_neither_page_nor_markdown_calls_anybody_what_only_a_court_may(
    story: Story, dossiers: list[Dossier]
) -> None:
    for dossier in dossiers:
        assert dossier.run is not None
        content = orjson.loads((story.root / dossier.run.folder / "report.json").read_bytes())
        assert "".join(("compli", "ant")) not in (html(content, dossier) + markdown(content, dossier)).lower()


def test_the_evidence_section_names_charter_plan_and_ledger_by_their_hashes(
    story: Story, dossiers: list[Dossier]
) -> None:
    words = words_of(page_of(story, dossiers[1])).replace(" ", "")
    run = dossiers[1].run
    assert run is not None
    assert run.record.closed is not None
    for name in ("charter.json", "plan.yaml", "ledger.jsonl", "report.json"):
        assert run.record.closed.files[name] in words


def test_the_report_in_the_runs_own_folder_has_them_too(story: Story, dossiers: list[Dossier]) -> None:
    assert dossiers[1].run is not None
    text = (story.root / dossiers[1].run.folder / "report.html").read_text()
    assert all(heading(text, section) for section in SECTIONS)


def test_a_change_of_the_plan_opens_the_report(story: Story, dossiers: list[Dossier]) -> None:
    words = words_of(page_of(story, dossiers[3]))
    told = "Changed since the previous run: objectives: services.gateway.rto was 30s, is 20s;"
    assert words.index(told) < words.index("What was promised, and what was measured")
    assert dossiers[3].run is not None
    folder = story.root / dossiers[3].run.folder
    assert told in (folder / "report.md").read_text().replace("*", "")
    lines = summary(orjson.loads((folder / "report.json").read_bytes()))
    assert any(line.startswith("  changed") and "was 30s, is 20s" in line for line in lines)
    assert "objectives services.gateway.rto 30s 20s" in words
    assert "This is the first run of the plan." in words_of(page_of(story, dossiers[0]))


@pytest.mark.parametrize(
    ("names", "begins", "says"),
    [
        ([], "nothing in the plan.", "thresholds are those of the previous run."),
        (
            ["RTO"],
            "nothing that the plan writes out; not compared: the value of 1 variable (RTO).",
            "thresholds are written as they were for the previous run.",
        ),
        (
            ["E", "D", "A", "C", "B"],
            "nothing that the plan writes out; not compared: the values of 5 variables (A, B, C and 2 more).",
            "was not looked at: A, B, C, D, E.",
        ),
    ],
)
def test_what_variables_held_is_never_told_as_unchanged(
    story: Story, dossiers: list[Dossier], names: list[str], begins: str, says: str
) -> None:
    """The texts of two plans were compared; what `${RTO:-30s}` stood for in each was not."""
    assert dossiers[1].run is not None
    content = orjson.loads((story.root / dossiers[1].run.folder / "report.json").read_bytes())
    content["plan"]["variables"] = dict.fromkeys(names, "30s")
    words = words_of(html(content, dossiers[1]))
    assert f"Changed since the previous run: {begins}" in words
    assert says in words
    assert ("was not looked at" in words) == bool(names)
    told = " ".join(summary(content)) + markdown(content, dossiers[1]).replace("*", "") + junit(content)
    assert told.count(begins.removesuffix(".")) == 3


def test_of_a_first_run_nothing_was_compared_and_beside_a_change_the_variables_are_named_too(
    story: Story, dossiers: list[Dossier]
) -> None:
    for dossier in (dossiers[0], dossiers[3]):
        assert dossier.run is not None
        content = orjson.loads((story.root / dossier.run.folder / "report.json").read_bytes())
        told = sentences.changed(Report.model_validate(content))
        assert ("not compared: the value of 1 variable (DESK)" in told) == (dossier is dossiers[3])


def test_a_refusal_is_no_sign_off_and_stands_beside_anothers_acceptance(tmp_path: Path) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    for name, decision in (("Bo", "refused"), ("Cy", "accepted")):
        closed = story.record(1).closed_sha256
        assert closed is not None
        entry = SignOff(what="sign_off", by=by(name, "reviewer"), text="no", decision=decision, closed=closed)  # type: ignore[arg-type]
        story.say(entry, 1, by=name)
    [dossier] = beside_runs(read_shelf(story.root), NAME)
    found = people.of(dossier)
    assert found is not None
    [actual] = [actual for role, _, actual in people.roles(dossier, found) if role == "reviewer"]
    assert re.sub(r" \([^)]*\)", "", actual) == "refused by Bo; signed off by Cy"
    assert "refused by Bo" in page_of(story, dossier)


def test_who_approved_took_part_and_signed_off_is_told(story: Story, dossiers: list[Dossier]) -> None:
    first, second = people.of(dossiers[0]), people.of(dossiers[1])
    assert first is not None
    assert second is not None
    key = story.people["Cy"].public.identity  # so that whoever knows Cy's key can compare
    assert [(one.name, one.decision, people.stand(one), one.ticket) for one in first.approvals] == [
        ("Cy", "accepted", f"signed by key {key}", "CHG-1041")
    ]
    assert [(one.name, one.role) for one in first.sign_offs] == [
        *(("Ada", "executor"), ("Bo", "reviewer"), ("Cy", "approver")),
    ]
    assert first.problems == ()
    assert people.decided(first.sign_offs) == ", ".join(
        f"accepted by the {role} (signed)" for role in ("executor", "reviewer", "approver")
    )
    assert "Executor, reviewer and approver are three people" in words_of(page_of(story, dossiers[0]))
    assert second.problems == (
        'the executor "Ada" is only claimed: not signed',
        "no reviewer has signed it off",
        "no approver has signed it off",
    )
    took = {one.person: one.acknowledged_seconds for one in people.attended(second)}
    assert [people.came(one) for one in people.attended(second)] == [
        "called, acknowledged, joined (claimed, not signed)",
        "called, acknowledged (claimed, not signed)",
        "nothing",
    ]
    page = words_of(page_of(story, dossiers[3]))
    assert f"by Cy (signed by key {key})" in page
    assert took == {"Ada": 60.0, "Bo": 90.0, "Cy": None}


def test_a_drill_that_did_not_run_is_on_the_first_page(story: Story, dossiers: list[Dossier]) -> None:
    words = words_of(page_of(story, dossiers[4]))
    assert words.index("Due, and not run: 1 drill of this plan, the last kill-primary on 2026-11-27") < (
        words.index("The drill, to scale")
    )
    assert "Declared, and never run: cut-sites." in words


def test_lessons_deviations_and_findings_are_told(story: Story, dossiers: list[Dossier]) -> None:
    words = words_of(page_of(story, dossiers[1]))
    assert "The standby was a version behind; pin both." in words
    assert "The venue's test session began ten minutes late." in words
    last = words_of(page_of(story, dossiers[4]))
    assert "F-2026-02 Writes were lost: the standby was asynchronous." in last
    assert "accepted until 2026-12-31" in last


def test_markdown_tells_of_the_same(story: Story, dossiers: list[Dossier]) -> None:
    run = dossiers[4].run
    assert run is not None
    text = markdown(orjson.loads((story.root / run.folder / "report.json").read_bytes()), dossiers[4])
    for told in (
        "## Trading safety",
        "## Tested so far",
        "## Findings",
        "F-2026-02",
        "## Sign-off",
        "not run",
    ):
        assert told in text


@pytest.mark.parametrize("width", [940.0, 660.0, 350.0])
def test_trends_stay_within_the_picture_and_show_the_newest(tmp_path: Path, width: float) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(run_of(MET, 1))
    [dossier] = beside_runs(read_shelf(story.root), NAME)
    promise = dossier.promises[0]
    many = type(promise)(promise.drill, promise.subject, promise.objective, promise.points * (SHOWN_MAX + 7))
    for shown in (promise, many):
        drawing = trend(shown, width, "t")
        areas = {shape.style: shape.path for shape in drawing.shapes if isinstance(shape, Area)}
        bars = re.findall(r"M([\d.-]+) ([\d.-]+)h([\d.]+)v([\d.]+)", areas["between"])
        assert len(bars) == min(len(shown.points), SHOWN_MAX)
        assert areas["sign-met"].count("M") == len(bars)
        for x, y, wide, high in (map(float, bar) for bar in bars):
            assert 0 <= x <= x + wide <= width
            assert 0 <= y <= y + high <= drawing.height
        assert drawing.description


def test_what_nobody_signed_is_not_signed_and_lengths_have_their_units(tmp_path: Path) -> None:
    alone = Story(tmp_path / "evidence")
    folder = alone.drill(run_of(MET, 1))
    [beside] = beside_runs(read_shelf(alone.root), NAME)
    page = " ".join(html(orjson.loads((folder / "report.json").read_bytes()), beside).split())
    assert "</svg>not signed</span> It is not shown that three people" in page
    assert "</svg>not approved</span> No approval given before" in page
    assert "late: 100 ms" in page
    assert "late_ns" not in page


def test_only_what_came_from_a_backup_was_restored(tmp_path: Path) -> None:
    left = ("restored", 0.4, {"dataset": "ticks", "as": "it was when the other site took over"})
    loaded = ("promoted", 0.4, {"dataset": "orders", "complete": True, "taken": "2026-11-22T05:00:00+00:00"})
    pages = []
    for number, event in enumerate((left, loaded), 1):
        folder = Story(tmp_path / str(number) / "evidence").drill(replace(run_of(MET, number), more=(event,)))
        content = orjson.loads((folder / "report.json").read_bytes())
        pages += [html(content), "".join(markdown(content))]
    nothing = ["restored from a backup in this drill" in page for page in pages]
    assert nothing == [True, True, False, False]
