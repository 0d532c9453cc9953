"""What people said counts by their own keys, of the newest run, for a year; and nobody judges themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.controls.answer import State
from rto_rpo.dossier.findings import register
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.keeping import adding
from rto_rpo.evidence.lines.record import Approval, Finding, FindingState, Presence, SignOff
from tests.rto_rpo.controls.assessing import assessed, garble, give_up, on_day, profile_of, state
from tests.rto_rpo.dossier.stories import CONFIRM, Story, by, run_of
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run

EVERYBODY = ("Ada", "Bo", "Cy")


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def came(story: Story, number: int, *people: str, signed: str | None = None) -> None:
    """Each says so with the own key, or `signed` says it of all."""
    for person in people:
        who = signed or person
        entry = Presence(what="presence", by=by(who), text="", person=person, state="joined")
        story.say(entry, number, by=who)


def signed_off(story: Story, number: int) -> None:
    for name, role in (("Ada", "executor"), ("Bo", "reviewer"), ("Cy", "approver")):
        story.sign_off(number, name, role)


def approval(name: str = "Cy") -> Approval:
    who = by(name, "approver")
    return Approval(what="approval", by=who, text="", decision="accepted", confirm=CONFIRM)


def test_everybody_took_part_by_their_own_keys(story: Story) -> None:
    story.drill(run_of(MET, 1))
    came(story, 1, *EVERYBODY)
    found = assessed(story, profile_of("took-part"))
    assert (found.state, len(found.runs)) == ("met", 1)


def test_nobody_signs_for_the_presence_of_another(story: Story) -> None:
    story.drill(run_of(MET, 1))
    came(story, 1, *EVERYBODY, signed="Ada")
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason) == ("inconclusive", "not signed by their own keys: Bo, Cy")


def test_one_key_is_one_person(story: Story) -> None:
    story.give_key("Bo", story.people["Ada"])
    story.drill(run_of(MET, 1))
    came(story, 1, *EVERYBODY)
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason) == ("inconclusive", "signed with one key: Ada, Bo")


def test_a_newer_run_of_the_drill_to_which_nobody_came_is_not_passed_over(story: Story) -> None:
    story.drill(run_of(MET, 1))
    came(story, 1, *EVERYBODY)
    story.drill(replace(run_of(MET, 2), drill="cut-sites"))
    assert state(story, "took-part") == "met"  # another drill, to which nobody ever came
    story.drill(run_of(MET, 3))
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason[:26]) == ("inconclusive", "nothing says that anybody ")


@pytest.mark.parametrize(
    "doubted",
    [replace(INCONCLUSIVE, number=1), replace(MISSED, number=1, end_reason="orphaned")],
    ids=["void", "orphaned"],
)
def test_what_people_did_in_a_run_that_proves_nothing_meets_nothing(story: Story, doubted: Run) -> None:
    story.say(approval(), by="Cy")
    story.drill(doubted)
    came(story, 1, *EVERYBODY)
    signed_off(story, 1)
    for answer in ("took-part", "signed-off", "approved"):
        assert (answer, state(story, answer)) == (answer, "inconclusive")


def test_a_tabletop_is_one_in_which_people_take_part(story: Story) -> None:
    story.talk(1)
    came(story, 1, *EVERYBODY)
    assert on_day(story, 1, "took-part").state == "met"
    assert on_day(story, 400, "took-part").state == "not tested"


@pytest.mark.parametrize("answer", ["signed-off", "approved"])
def test_of_a_newest_run_that_cannot_be_read_nothing_is_signed_off_or_approved(
    story: Story, answer: str
) -> None:
    story.say(approval(), by="Cy")
    folder = story.drill(run_of(MET, 1))
    signed_off(story, 1)
    assert on_day(story, 1, answer).state == "met"
    assert on_day(story, 400, answer).state == "not tested"
    garble(folder)
    assert on_day(story, 1, answer).state == "inconclusive"
    give_up(story, 2)
    assert on_day(story, 2, answer).state in {"inconclusive", "not tested"}


def test_an_approval_of_more_than_a_year_ago_is_none_of_today(story: Story) -> None:
    story.say(approval(), by="Cy")
    story.drill(run_of(MET, 400))
    story.sign_off(400, "Ada", "executor")
    found = assessed(story, profile_of("approved"))
    assert (found.state, "more than a year before" in found.reason) == ("inconclusive", True)


def test_a_sign_off_of_another_closing_is_none(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    story.drill(run_of(MET, 1))
    monkeypatch.setattr(adding, "_refuse_contradiction", lambda *_: None)
    for name, role in (("Ada", "executor"), ("Bo", "reviewer"), ("Cy", "approver")):
        who = by(name, role)
        entry = SignOff(what="sign_off", by=who, text="seen", decision="accepted", closed="0" * 64)
        story.say(entry, 1, by=name)
    assert state(story, "signed-off") == "not tested"
    story.say(approval(), by="Cy")
    story.drill(run_of(MET, 2))
    entry = SignOff(what="sign_off", by=by("Ada", "executor"), text="", decision="accepted", closed="0" * 64)
    story.say(entry, 2, by="Ada")
    found = assessed(story, profile_of("approved"))
    assert "nothing but a name says" in found.reason


def entered(id_: str) -> Finding:
    return Finding(
        what="finding", by=by("Bo"), text="x", id=id_, severity="low", owner="Ada", due="2026-12-31"
    )


def became(id_: str, name: str, what: str) -> FindingState:
    until = "2026-12-31" if what == "accepted" else None
    return FindingState.model_validate(
        {"what": "finding_state", "by": by(name), "text": "y", "id": id_, "state": what, "until": until}
    )


@pytest.mark.parametrize("what", ["closed", "accepted"])
@pytest.mark.parametrize(("name", "expected"), [("Ada", "inconclusive"), ("Bo", "met")])
def test_who_ran_a_drill_does_not_close_what_it_found(
    story: Story, name: str, what: str, expected: State
) -> None:
    story.drill(run_of(MET, 1))
    story.say(entered("F-1"), by="Bo")
    story.say(became("F-1", name, what), by=name)
    story.drill(run_of(MET, 2))
    found = assessed(story, profile_of("followed"))
    assert found.state == expected
    assert expected == "met" or found.reason == "closed or accepted by whoever ran the drills: F-1"


def test_a_second_name_with_the_executors_key_is_the_executor(story: Story) -> None:
    story.give_key("Bo", story.people["Ada"])
    story.drill(run_of(MET, 1))
    story.say(entered("F-1"), by="Bo")
    story.say(became("F-1", "Bo", "closed"), by="Bo")
    assert on_day(story, 1, "followed").state == "inconclusive"


def test_people_who_did_not_answer_are_named(story: Story) -> None:
    story.drill(run_of(MET, 1))
    for person, said in (("Ada", "called"), ("Bo", "called"), ("Ada", "acknowledged")):
        story.say(presence(person, said), 1, by="Ada")
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason) == ("not met", "did not answer: Bo, Cy")  # nobody says anything of Cy


def presence(person: str, state: str) -> Presence:
    return Presence.model_validate(
        {"what": "presence", "by": by(person), "text": "", "person": person, "state": state}
    )


def test_a_presence_that_nobody_signed_is_claimed_and_meets_nothing(story: Story) -> None:
    story.drill(run_of(MET, 1))
    for person in ("Ada", "Cy"):
        story.say(presence(person, "joined"), 1, by=person)
    story.say(presence("Bo", "acknowledged"), 1)
    found = assessed(story, profile_of("took-part"))
    assert (found.state, found.reason) == ("inconclusive", "not signed by their own keys: Bo")
    story.say(presence("Bo", "joined"), 1, by="Bo")
    assert state(story, "took-part") == "met"


@pytest.mark.parametrize(
    ("name", "signed_by", "executor_signs", "expected"),
    [
        ("Cy", "Cy", True, "met"),
        ("Cy", None, True, "inconclusive"),
        ("Bo", "Bo", True, "inconclusive"),
        ("Ada", "Ada", True, "inconclusive"),
        ("Cy", "Cy", False, "inconclusive"),
    ],
)
def test_an_approval_counts_by_the_keys_of_two_people(
    story: Story, name: str, signed_by: str | None, executor_signs: bool, expected: State
) -> None:
    story.say(approval(name), by=signed_by)
    story.drill(run_of(MET, 1))
    if executor_signs:
        story.sign_off(1, "Ada", "executor")
    assert state(story, "approved") == expected


def test_a_run_is_signed_off_by_three_keys(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.sign_off(1, "Bo", "reviewer")
    story.sign_off(1, "Cy", "approver")
    assert state(story, "signed-off") == "inconclusive"
    story.sign_off(1, "Ada", "executor")
    assert state(story, "signed-off") == "met"


def test_a_finding_without_an_owner_is_not_followed(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.say(
        Finding(
            what="finding", by=by("Bo"), text="x", id="F-1", severity="low", owner="Ada", due="2026-12-31"
        ),
        by="Bo",
    )
    story.drill(run_of(MET, 2))
    assert state(story, "followed") == "met"
    closed = FindingState(what="finding_state", by=by("Bo"), text="mended", id="F-1", state="closed")
    story.say(closed)
    story.drill(run_of(MET, 3))
    found = assessed(story, profile_of("followed"))
    assert (found.state, found.reason) == ("inconclusive", "it rests on words that nobody signed: F-1")
    story.say(Finding(what="finding", by=by("Bo"), text="x", id="F-2", severity="low"))
    story.drill(run_of(MET, 4))
    assert state(story, "followed") == "not met"


def test_what_was_said_later_of_another_run_was_not_known_beside_this_one(story: Story) -> None:
    story.drill(run_of(MET, 1))
    story.drill(run_of(MET, 2))
    story.talk(3, drill="kill-primary")
    before = assessed(story, profile_of("took-part", "signed-off")).answers
    came(story, 2, *EVERYBODY)
    signed_off(story, 2)
    assert assessed(story, profile_of("took-part", "signed-off")).answers == before
    assert on_day(story, 3, "signed-off").state == "met"


def test_who_closed_a_finding_is_somebody_else_once_whoever_ran_it_has_signed(story: Story) -> None:
    story.drill(run_of(replace(MET, calibration=None), 1))
    [derived] = register(read_shelf(story.root))
    story.say(entered(derived.id), by="Bo")
    story.say(became(derived.id, "Bo", "accepted"), by="Bo")
    found = on_day(story, 1, "followed")
    assert found.state == "inconclusive"
    assert found.reason.startswith('nothing but a name says that "Ada", who ran what found it, is not who')
    story.sign_off(1, "Ada", "executor")
    assert on_day(story, 1, "followed").state == "met"


def refusal(story: Story, name: str, role: str, *, decision: str = "refused", signed: bool = True) -> None:
    closed = story.record(1).closed_sha256
    told = {"what": "sign_off", "by": by(name, role), "text": "", "decision": decision, "closed": closed}
    story.say(SignOff.model_validate(told), 1, by=name if signed else None)


@pytest.mark.parametrize(
    ("signed", "taken_back", "expected"),
    [(True, True, "met"), (True, False, "not met"), (False, False, "inconclusive")],
)
def test_who_refused_the_sign_off_may_accept_it_later(
    story: Story, signed: bool, taken_back: bool, expected: State
) -> None:
    story.drill(run_of(MET, 1))
    signed_off(story, 1)
    refusal(story, "Bo", "reviewer", signed=signed)
    if taken_back:
        story.sign_off(1, "Bo", "reviewer")
    assert state(story, "signed-off") == expected


def test_a_refusal_is_not_taken_back_by_words_that_nobody_signed(story: Story) -> None:
    story.drill(run_of(MET, 1))
    signed_off(story, 1)
    refusal(story, "Bo", "reviewer")
    refusal(story, "Bo", "reviewer", decision="accepted", signed=False)
    assert state(story, "signed-off") == "not met"


def test_nobody_whom_the_plan_does_not_list_refuses_anything(story: Story) -> None:
    story.say(approval(), by="Cy")
    story.say(approval("Mallory").model_copy(update={"decision": "refused"}))
    story.drill(run_of(MET, 1))
    signed_off(story, 1)
    for role in ("executor", "reviewer"):
        refusal(story, "Mallory", role, signed=False)
    assert (state(story, "approved"), state(story, "signed-off")) == ("met", "met")


def test_an_approver_who_refused_is_not_outvoted_by_another(story: Story) -> None:
    story.say(approval().model_copy(update={"decision": "refused"}), by="Cy")
    story.say(approval("Bo"), by="Bo")
    story.drill(run_of(MET, 1))
    signed_off(story, 1)
    assert state(story, "approved") == "not met"


def all_say(story: Story, state_: str, at: str | None = None) -> None:
    for name in EVERYBODY:
        told = {"what": "presence", "by": by(name), "text": "", "person": name, "state": state_, "at": at}
        story.say(Presence.model_validate(told), 1, by=name)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("acknowledged",), "met"),
        (("absent", "joined"), "met"),
        (("joined", "left"), "met"),
        (("acknowledged", "absent"), "not met"),
    ],
)
def test_who_is_said_to_be_absent_in_the_end_did_not_take_part(
    story: Story, states: tuple[str, ...], expected: State
) -> None:
    story.drill(run_of(MET, 1))
    for each in states:
        all_say(story, each)
    assert state(story, "took-part") == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T06:00:30.000000Z", "met"),
        ("2031-01-01T00:00:00.000000Z", "inconclusive"),
        ("2025-01-01T00:00:00.000000Z", "inconclusive"),
    ],
)
def test_nobody_takes_part_at_a_time_that_cannot_be(story: Story, at: str, expected: State) -> None:
    story.drill(run_of(MET, 1))
    all_say(story, "joined", at)
    assert state(story, "took-part") == expected
