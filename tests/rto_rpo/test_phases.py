from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rto_rpo.ledger.records import Stream
from rto_rpo.phases import LAST, phases
from rto_rpo.timeline import MILESTONES, WAITING, Milestone
from tests.rto_rpo.ledgers import S, stream

ORDERS: Stream = stream()  # type: ignore[assignment]


def found(*milestones: tuple[str, int], end: int = 100) -> list[tuple[str, int, tuple[str, ...]]]:
    made = [_milestone(name, at) for name, at in milestones]
    return [(each.name, round(each.seconds), each.merged) for each in phases(made, ORDERS, 0, end * S)]


def _milestone(name: str, at: int) -> Milestone:
    """Of "asked go" the question is "go"."""
    event, _, question = name.partition(" ")
    return Milestone(event, at * S, {"question": question} if question else {})


def test_each_phase_ends_at_its_milestone_and_begins_where_the_one_before_ended() -> None:
    names = ["detected", "decided", "fenced", "restored", "promoted", "started", "redirected"]
    assert found(*((name, 2 * place + 1) for place, name in enumerate(names)), end=20) == [
        ("detect", 1, ()),
        ("decide", 2, ()),
        ("fence", 2, ()),
        ("restore", 2, ()),
        ("promote", 2, ()),
        ("start", 2, ()),
        ("redirect", 2, ()),
        (LAST, 7, ()),
    ]


def test_peoples_waiting_is_apart() -> None:
    assert found(("detected", 1), ("decide_waiting", 3), ("decided", 63), ("fenced", 64))[:4] == [
        ("detect", 1, ()),
        ("decide", 2, ()),
        ("approve", 60, ()),
        ("fence", 1, ()),
    ]


def test_what_the_runbook_asks_on_its_way_is_a_phase_of_its_own() -> None:
    assert found(("fenced", 3), ("asked go", 5), ("answered go", 65), ("promoted", 70)) == [
        ("fence", 3, ("detect", "decide")),
        ("until asked: go", 2, ()),
        ("people: go", 60, ()),
        ("promote", 5, ("restore",)),
        (LAST, 30, ("start", "redirect")),
    ]


def test_what_other_steps_came_to_while_a_person_was_waited_for_shortens_no_wait() -> None:
    asked = (("fenced", 4), ("asked go", 5), ("restored", 20), ("answered go", 65), ("promoted", 65))
    assert found(*asked)[2:4] == [
        ("people: go", 60, ("restore", "promote")),
        (LAST, 35, ("start", "redirect")),
    ]


def test_questions_that_wait_at_the_same_time_are_one_wait_and_others_are_not() -> None:
    at_once = (("asked a", 1), ("asked b", 2), ("answered a", 5), ("answered b", 9))
    assert [(name, s) for name, s, _ in found(*at_once, ("asked c", 10), ("answered c", 11))] == [
        ("until asked: a, b", 1),
        ("people: a, b", 8),
        ("until asked: c", 1),
        ("people: c", 1),
        (LAST, 89),
    ]
    within = (("asked a", 1), ("asked b", 2), ("answered b", 5), ("answered a", 9))
    assert found(*within)[1][:2] == ("people: a, b", 8)


def test_a_question_that_was_not_answered_in_time_was_not_what_was_waited_for() -> None:
    for answered in ((), (("answered go", 101),), (("answered other", 50),)):
        assert found(("asked go", 5), *answered) == found()


def test_milestones_that_nobody_saw_are_merged_into_the_next_one_seen() -> None:
    assert found(("detected", 2), ("promoted", 10)) == [
        ("detect", 2, ()),
        ("promote", 8, ("decide", "fence", "restore")),
        (LAST, 90, ("start", "redirect")),
    ]


def test_with_nothing_seen_there_is_one_phase() -> None:
    every = ("detect", "decide", "fence", "restore", "promote", "start", "redirect")
    assert found() == [(LAST, 100, every)]


def test_what_came_after_the_first_acknowledgement_was_not_waited_for() -> None:
    assert found(("detected", 2), ("redirected", 101))[-1] == (
        LAST,
        98,
        ("decide", "fence", "restore", "promote", "start", "redirect"),
    )


def test_phases_are_in_the_order_in_which_they_ended() -> None:
    assert [
        (name, length) for name, length, _ in found(("started", 5), ("promoted", 9), ("detected", 1))
    ] == [
        ("detect", 1),
        ("start", 4),
        ("promote", 4),
        (LAST, 91),
    ]


def test_the_first_milestone_of_a_name_counts() -> None:
    assert found(("fenced", 5), ("fenced", 9))[0][1] == 5


def test_milestones_of_other_services_and_datasets_do_not_count() -> None:
    def one(**detail: Any) -> str:
        return phases([Milestone("started", S, detail)], ORDERS, 0, 9 * S)[0].name

    assert (one(), one(service="gateway"), one(dataset="orders")) == ("start", "start", "start")
    assert (one(service="engine"), one(dataset="ticks")) == (LAST, LAST)


NAMES = [*MILESTONES, *(f"{event} {question}" for event in WAITING for question in "ab")]


@given(st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.integers(-5, 120)), max_size=16))
def test_phases_sum_to_the_whole_whatever_was_seen(milestones: list[tuple[str, int]]) -> None:
    made = found(*milestones)
    assert sum(length for _, length, _ in made) == 100
    assert all(length >= 0 for _, length, _ in made)
    assert made[-1][0] == LAST
    names = [name for name, _, merged in made for name in (name, *merged) if not _is_wait(name)]
    assert len(names) == len(set(names))
    assert set(names) >= {"detect", "decide", "fence", "restore", "promote", "start", "redirect", LAST}


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=5),
    st.lists(st.tuples(st.sampled_from(sorted(MILESTONES)), st.integers(0, 100)), max_size=8),
)
def test_people_are_waited_for_as_long_as_any_question_is_open(
    pairs: list[tuple[int, int]], milestones: list[tuple[str, int]]
) -> None:
    waits = [(min(pair), max(pair)) for pair in pairs]
    asked = [(f"asked q{place}", low) for place, (low, _) in enumerate(waits)]
    answered = [(f"answered q{place}", high) for place, (_, high) in enumerate(waits)]
    made = found(*asked, *answered, *milestones)
    open_seconds = sum(any(low <= at < high for low, high in waits) for at in range(100))
    assert sum(length for name, length, _ in made if name.startswith("people: ")) == open_seconds


def _is_wait(name: str) -> bool:
    return name.startswith(("people: ", "until asked: "))
