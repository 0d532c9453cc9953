"""The findings register: what opens, closes and opens again by itself, and what people add to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.dossier.finding import Finding, summed
from rto_rpo.dossier.findings import finding_id, register
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.keeping.pruning import prune
from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.evidence.lines.record import Finding as Entered
from rto_rpo.evidence.lines.record import FindingState, Retest, Severity
from tests.rto_rpo.dossier.stories import DRILL, NAME, Story, by, day_of, run_of, whole_story
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run

LOST = finding_id(NAME, DRILL, ("objective", "orders", "rpo"))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def found(story: Story) -> dict[str, Finding]:
    return {one.id: one for one in register(read_shelf(story.root))}


def turns(finding: Finding) -> list[str]:
    return [turn.what for turn in finding.turns]


def test_where_all_was_met_there_is_no_finding(story: Story) -> None:
    story.drill(run_of(MET, 1))
    assert found(story) == {}


def test_a_miss_opens_the_next_met_closes_and_another_miss_opens_again(story: Story) -> None:
    states = []
    for number, kind in enumerate((MISSED, MET, MISSED), 1):
        story.drill(run_of(kind, number))
        states.append(found(story)[LOST].state("2026-12-01"))
    assert states == ["open", "closed", "open"]
    assert turns(found(story)[LOST]) == ["opened", "closed", "opened again"]
    assert "3 acknowledged writes lost" in found(story)[LOST].text


def test_an_inconclusive_run_closes_nothing_and_is_a_finding_of_its_own(story: Story) -> None:
    story.drill(replace(run_of(MISSED, 1), safe_at_seconds=0.9))
    story.drill(run_of(INCONCLUSIVE, 2))
    assert found(story)[LOST].state("2026-12-01") == "open"
    instrument = found(story)[finding_id(NAME, DRILL, ("run",))]
    assert (instrument.state("2026-12-01"), instrument.severity) == ("open", "medium")
    assert "stalled" in instrument.text


UNCALIBRATED = replace(MET, calibration=None)


def test_a_run_in_doubt_closes_nothing_and_says_so_once(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    story.drill(run_of(UNCALIBRATED, 2))
    register_ = found(story)
    assert register_[LOST].state("2026-12-01") == "open"
    assert turns(register_[LOST]) == ["opened"]
    whole = register_[finding_id(NAME, DRILL, ("run",))]
    assert whole.state("2026-12-01") == "open"
    story.drill(run_of(MET, 3))
    assert {one.state("2026-12-01") for one in found(story).values()} == {"closed"}


def test_a_fault_that_could_not_be_undone_is_a_finding(story: Story) -> None:
    when = "2026-11-23T06:00:00.000000Z"
    story.drill(run_of(MET, 1), undone=Undone(utc=when, by="dead-man", undone="stuck", how="it hangs"))
    [found] = register(read_shelf(story.root))
    assert (found.state("2026-11-23"), found.severity) == ("open", "medium")
    assert "nothing shows that the fault was undone: it hangs" in found.text


def test_what_a_void_run_shows_to_be_missed_is_a_finding(story: Story) -> None:
    void = replace(MISSED, stall=(-0.2, 0.9))
    story.drill(run_of(void, 1))
    [run] = read_shelf(story.root).runs
    assert run.digest is not None
    assert run.digest.void is not None
    assert found(story)[LOST].state("2026-12-01") == "open"


def test_a_retest_in_doubt_closes_nothing(story: Story) -> None:
    retest = Retest(drill=DRILL, subject="orders", objective="rpo")
    story.drill(run_of(MET, 1))
    story.say(Entered(what="finding", by=by("Bo"), text="lost", id="F-1", severity="high", retest=retest), 1)
    story.drill(run_of(UNCALIBRATED, 2))
    assert found(story)["F-1"].state("2026-12-01") == "open"
    story.drill(run_of(MET, 3))
    assert found(story)["F-1"].state("2026-12-01") == "closed"


STUCK = Undone(utc="2026-11-24T06:00:00.000000Z", by="dead-man", undone="stuck", how="the site hangs")


def test_a_drill_that_was_met_and_never_undone_closes_no_retest_of_it(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    retest = Retest(drill=DRILL)
    story.say(Entered(what="finding", by=by("Bo"), text="lost", id="F-1", severity="high", retest=retest), 1)
    story.drill(run_of(MET, 2), undone=STUCK)
    assert found(story)["F-1"].state("2026-12-01") == "open"
    story.drill(run_of(MET, 3))
    assert found(story)["F-1"].state("2026-12-01") == "closed"


def test_what_was_judged_in_a_run_in_doubt_is_owed_too(story: Story) -> None:
    retest = Retest(drill=DRILL, subject="gateway", objective="rto")
    story.drill(run_of(replace(SLOW, back_at_seconds=0.2, calibration=None), 1))
    story.say(Entered(what="finding", by=by("Bo"), text="slow", id="F-1", severity="high", retest=retest), 1)
    story.drill(run_of(replace(SLOW, rto_seconds=30.0), 2))
    assert found(story)["F-1"].state("2026-12-01") == "open"


def test_a_retest_of_the_drill_is_as_bad_as_the_worst_that_it_shows(story: Story) -> None:
    retest = Retest(drill=DRILL)
    story.say(Entered(what="finding", by=by("Bo"), text="?", id="F-1", severity="high", retest=retest))
    story.drill(run_of(replace(MISSED, old_takes=True), 1))
    assert found(story)["F-1"].severity == "critical"


def test_another_drill_closes_nothing(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    story.drill(replace(run_of(MET, 2), drill="kill-other"))
    assert found(story)[LOST].state("2026-12-01") == "open"


def test_a_run_that_was_never_finished_is_a_finding(story: Story) -> None:
    folder = story.drill(run_of(MET, 1))
    chain = story.root / "chain.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    [finding] = found(story).values()
    assert "never finished" in finding.text
    assert finding.opened.folder == folder.name


def test_people_give_it_an_owner_and_accept_its_risk_until_a_day(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    entered = Entered(
        what="finding",
        by=by("Bo"),
        text="asynchronous",
        id=LOST,
        severity="critical",
        owner="Database",
        due="2026-11-30",
    )
    story.say(entered, 1)
    finding = found(story)[LOST]
    assert finding.turns[-1].key is None  # nobody's key says that it was Bo
    assert (finding.severity, finding.owner, finding.due, finding.text) == (
        *("critical", "Database", "2026-11-30", "asynchronous"),
    )
    assert (finding.overdue("2026-11-30"), finding.overdue("2026-12-01")) == (False, True)
    accept = FindingState(
        what="finding_state",
        by=by("Cy"),
        text="until the move",
        id=LOST,
        state="accepted",
        until="2026-12-31",
    )
    story.say(accept, 1, by="Cy")
    assert found(story)[LOST].turns[-1].key == story.people["Cy"].public.identity
    finding = found(story)[LOST]
    assert [finding.state(day) for day in ("2026-12-31", "2027-01-01")] == ["accepted", "open"]
    assert (finding.overdue("2026-12-31"), finding.overdue("2027-01-01")) == (False, True)
    story.drill(run_of(MET, 2))
    assert found(story)[LOST].state("2026-12-31") == "closed"


UNREAD = replace(MET, reading_ends=False)  # what is left of the orders is not known


def test_worse_than_was_seen_is_a_turn_of_its_own(story: Story) -> None:
    for number, kind in enumerate((UNREAD, MISSED, UNREAD, MISSED), 1):
        story.drill(run_of(kind, number))
    finding = found(story)[LOST]
    assert turns(finding) == ["opened", "got worse"]
    assert (finding.severity, finding.state("2026-12-01")) == ("high", "open")
    assert "3 acknowledged writes lost" in finding.text


def enter(story: Story, name: str, severity: Severity) -> None:
    entered = Entered(what="finding", by=by("Bo"), text="the reading broke", id=name, severity=severity)
    story.say(entered.model_copy(update={"owner": "Database", "due": "2026-12-31"}), by="Bo")


def accept(story: Story, name: str) -> None:
    so_be_it = FindingState(what="finding_state", by=by("Cy"), text="so be it", id=name, state="accepted")
    story.say(so_be_it.model_copy(update={"until": "2027-06-30"}), by="Cy")


@pytest.mark.parametrize("said", ["medium", "low"])
def test_an_accepted_risk_does_not_cover_what_is_worse(story: Story, said: Severity) -> None:
    story.drill(run_of(UNREAD, 1))
    enter(story, LOST, said)
    accept(story, LOST)
    story.drill(run_of(UNREAD, 2))
    assert (found(story)[LOST].state("2026-12-01"), found(story)[LOST].severity) == ("accepted", said)
    story.drill(run_of(MISSED, 3))
    finding = found(story)[LOST]
    assert (finding.state("2026-12-01"), finding.severity, finding.until) == ("open", "high", None)
    assert turns(finding) == ["opened", "entered", "accepted", "opened again"]
    assert "3 acknowledged writes lost" in finding.text
    assert finding.text.endswith("worse than what was accepted")
    assert (finding.owner, finding.due) == ("Database", "2026-12-31")
    accept(story, LOST)  # now that all of it is known
    story.drill(run_of(MISSED, 4))
    assert (found(story)[LOST].state("2026-12-01"), found(story)[LOST].severity) == ("accepted", "high")


def test_what_comes_back_worse_than_was_known_is_not_as_somebody_rated_it_then(story: Story) -> None:
    story.drill(run_of(UNREAD, 1))
    enter(story, LOST, "low")
    story.drill(run_of(MET, 2))
    assert found(story)[LOST].severity == "low"
    story.drill(run_of(MISSED, 3))
    assert found(story)[LOST].severity == "high"


def test_a_worse_turn_leaves_every_fault_to_be_met(story: Story) -> None:
    paused = {"kind": "pause_site", "site": "dr"}
    story.drill(run_of(UNREAD, 1))
    story.drill(run_of(replace(MISSED, fault=paused), 2))
    story.drill(run_of(replace(MET, fault=paused), 3))
    assert found(story)[LOST].state("2026-12-01") == "open"
    story.drill(run_of(MET, 4))
    assert found(story)[LOST].state("2026-12-01") == "closed"


def test_a_persons_finding_is_as_weighty_as_what_its_retest_shows(story: Story) -> None:
    retest = Retest(drill=DRILL, subject="orders", objective="rpo")
    story.drill(run_of(UNREAD, 1))
    story.say(Entered(what="finding", by=by("Bo"), text="lost", id="F-1", severity="low", retest=retest), 1)
    story.drill(run_of(MISSED, 2))
    own = found(story)["F-1"]
    assert (own.severity, own.text, turns(own)) == ("high", "lost", ["opened", "got worse"])


def test_the_register_is_summed_up_in_a_sentence(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    assert summed(list(found(story).values()), "2026-11-24") == "3 open, none of them overdue"
    late = Entered(what="finding", by=by("Bo"), text="late", id=LOST, severity="high", due="2026-11-30")
    story.say(late, 1)
    story.say(late.model_copy(update={"id": "F-1"}), 1)
    accepted = FindingState(what="finding_state", by=by("Cy"), text="so be it", id="F-1", state="accepted")
    story.say(accepted, 1)
    told = summed(list(found(story).values()), "2026-12-01")
    assert told == "3 open, 1 of them overdue; 1 accepted as a risk"
    assert summed([], "2026-12-01") == "none open"


@pytest.mark.parametrize(
    ("retest", "closes"),
    [
        (Retest(drill=DRILL, subject="orders", objective="rpo"), True),
        (Retest(drill=DRILL), True),
        (Retest(drill="other"), False),
        (Retest(drill=DRILL, subject="engine", objective="rto"), False),
        (None, False),
    ],
)
def test_a_persons_finding_is_closed_by_its_retest_alone(
    story: Story, retest: Retest | None, closes: bool
) -> None:
    story.drill(run_of(MISSED, 1))
    entered = Entered(what="finding", by=by("Bo"), text="lost", id="F-1", severity="high", retest=retest)
    story.say(entered, 1)
    story.drill(run_of(INCONCLUSIVE, 2))
    assert found(story)["F-1"].state("2026-12-01") == "open"
    story.drill(run_of(MET, 3))
    assert found(story)["F-1"].state("2026-12-01") == ("closed" if closes else "open")
    story.drill(run_of(MISSED, 4))
    assert found(story)["F-1"].state("2026-12-01") == "open"


def test_it_is_a_pure_function_and_can_be_told_as_of_any_run(tmp_path: Path) -> None:
    root = whole_story(tmp_path / "evidence").root
    shelf = read_shelf(root)
    assert register(shelf) == register(read_shelf(root))
    for place, run in enumerate(shelf.runs):
        then = [one.as_of(run.seq) for one in register(shelf)]
        lines = (root / "chain.jsonl").read_bytes().splitlines(keepends=True)
        cut = read_shelf(root, now={run.folder: run.digest} if run.digest else {})
        assert len(cut.runs) == len(shelf.runs)
        alone = tmp_path / f"cut-{place}"
        alone.mkdir()
        (alone / "chain.jsonl").write_bytes(b"".join(lines[: run.seq + 1]))
        for other in shelf.runs[: place + 1]:
            (alone / other.folder).symlink_to(root / other.folder)
        known = {run.folder: run.digest} if run.digest else {}
        assert {one.id: one for one in then if one} == {
            one.id: one for one in register(read_shelf(alone, now=known))
        }


def test_a_tabletop_measures_nothing_and_so_finds_nothing(story: Story) -> None:
    story.talk(1)
    [run] = read_shelf(story.root).runs
    assert (run.verdict, run.talked) == ("held", True)
    assert found(story) == {}


def test_a_miss_stays_open_when_its_run_is_pruned_until_the_drill_is_met(story: Story) -> None:
    story.drill(run_of(MISSED, 1))
    years = timedelta(days=365)
    assert prune(story.root, plan=NAME, retention=years, hold=None, key=None, now=day_of(3000))
    [finding] = found(story).values()
    assert (finding.state("2035-01-01"), finding.severity) == ("open", "high")
    assert "the drill missed: on 2026-11-23" in finding.text
    story.drill(run_of(INCONCLUSIVE, 3001))
    story.drill(run_of(MET, 3002), undone=STUCK)
    assert found(story)[finding.id].state("2035-01-01") == "open"
    story.drill(run_of(MET, 3003))
    assert found(story)[finding.id].state("2035-01-01") == "closed"


def test_a_run_that_was_pruned_is_no_finding_and_keeps_its_verdict(story: Story) -> None:
    story.drill(run_of(MET, 1))
    years = timedelta(days=365)
    assert prune(story.root, plan=NAME, retention=years, hold=None, key=None, now=day_of(3000))
    [run] = read_shelf(story.root).runs
    assert (run.verdict, run.problem) == ("met", "it was pruned")
    assert found(story) == {}


SLOW = replace(MET, rto_seconds=0.3, back_at_seconds=1.2, end_at_seconds=3.0)
LATE = finding_id(NAME, DRILL, ("objective", "gateway", "rto"))


@pytest.mark.parametrize(
    ("other", "state"),
    [
        (replace(SLOW, back_at_seconds=0.2), "closed"),
        (replace(SLOW, back_at_seconds=0.2, rto_seconds=30.0), "closed"),
        (replace(SLOW, rto_seconds=30.0), "open"),
        (replace(SLOW, back_at_seconds=0.2, fault={"kind": "pause_site", "site": "dr"}), "open"),
        (replace(SLOW, back_at_seconds=0.2, old_takes=True), "open"),
    ],
    ids=["the same", "longer, and short enough", "longer", "another fault", "two writers"],
)
def test_only_what_is_as_hard_closes_it(story: Story, other: Run, state: str) -> None:
    story.drill(run_of(SLOW, 1))
    story.drill(run_of(other, 2))
    assert found(story)[LATE].state("2026-12-01") == state


def test_each_fault_under_which_it_was_missed_has_to_meet_it(story: Story) -> None:
    paused = {"kind": "pause_site", "site": "dr"}
    story.drill(run_of(SLOW, 1))
    story.drill(run_of(replace(SLOW, fault=paused), 2))
    story.drill(run_of(replace(SLOW, back_at_seconds=0.2), 3))
    assert found(story)[LATE].state("2026-12-01") == "open"
    story.drill(run_of(replace(SLOW, back_at_seconds=0.2, fault=paused), 4))
    assert found(story)[LATE].state("2026-12-01") == "closed"


@pytest.mark.parametrize("state", ["closed", "accepted"])
def test_what_was_closed_or_accepted_before_any_run_showed_it_is_opened_by_the_first(
    story: Story, state: str
) -> None:
    name = finding_id(NAME, DRILL, ("run",))
    entered = Entered(what="finding", by=by("Bo"), text="x", id=name, severity="low", owner="o")
    story.say(entered, by="Bo")
    before = FindingState.model_validate(
        {"what": "finding_state", "by": by("Bo"), "text": "done", "id": name, "state": state}
    )
    story.say(before, by="Bo")
    story.drill(run_of(UNCALIBRATED, 1))
    assert found(story)[name].state("2026-12-01") == "open"
    assert (found(story)[name].source, turns(found(story)[name])[-1]) == ("drill", "opened again")
    story.drill(run_of(MET, 2))
    assert found(story)[name].state("2026-12-01") == "closed"


@pytest.mark.parametrize(
    ("retest", "other", "state"),
    [
        (Retest(drill=DRILL, subject="gateway", objective="rto"), {"back_at_seconds": 0.2}, "closed"),
        (Retest(drill=DRILL, subject="gateway", objective="rto"), {"rto_seconds": 30.0}, "open"),
        (Retest(drill=DRILL), {"back_at_seconds": 0.2}, "closed"),
        (
            Retest(drill=DRILL),
            {"back_at_seconds": 0.2, "fault": {"kind": "pause_site", "site": "primary"}},
            "open",
        ),
        (Retest(drill=DRILL), {"rto_seconds": 30.0}, "open"),
        (Retest(drill=DRILL), {"rto_seconds": 30.0, "back_at_seconds": 0.2}, "closed"),
        (Retest(drill=DRILL), {"back_at_seconds": 0.2, "rpo_judged": False}, "open"),
        (Retest(drill=DRILL, subject="gateway"), {"rto_seconds": 30.0}, "open"),
        (Retest(drill=DRILL, subject="gateway"), {"back_at_seconds": 0.2, "rpo_judged": False}, "closed"),
        (Retest(drill=DRILL, objective="rpo"), {"rpo_judged": False}, "open"),
    ],
    ids=[
        *("the same", "longer", "the same drill", "another fault"),
        *("a longer promise of the drill", "longer, and short enough", "less is judged"),
        *("longer, of a service", "the service alone", "not judged"),
    ],
)
def test_a_persons_finding_is_closed_by_a_retest_as_hard_as_the_drill_was(
    story: Story, retest: Retest, other: dict[str, Any], state: str
) -> None:
    story.drill(run_of(SLOW, 1))
    entered = Entered(what="finding", by=by("Bo"), text="slow", id="F-1", severity="high", retest=retest)
    story.say(entered, 1)
    story.drill(run_of(replace(SLOW, **other), 2))
    assert found(story)["F-1"].state("2026-12-01") == state
