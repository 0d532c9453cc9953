from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rto_rpo.ledger.records import Stream
from rto_rpo.phases import LAST, phases
from rto_rpo.timeline import MILESTONES, Milestone
from tests.rto_rpo.ledgers import S, stream

ORDERS: Stream = stream()  # type: ignore[assignment]


def found(*milestones: tuple[str, int], end: int = 100) -> list[tuple[str, int, tuple[str, ...]]]:
    made = [Milestone(name, at * S, {}) for name, at in milestones]
    return [(each.name, round(each.seconds), each.merged) for each in phases(made, ORDERS, 0, end * S)]


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


@given(st.lists(st.tuples(st.sampled_from(sorted(MILESTONES)), st.integers(-5, 120)), max_size=12))
def test_phases_sum_to_the_whole_whatever_was_seen(milestones: list[tuple[str, int]]) -> None:
    made = found(*milestones)
    assert sum(length for _, length, _ in made) == 100
    assert all(length >= 0 for _, length, _ in made)
    assert made[-1][0] == LAST
    names = [name for name, _, merged in made for name in (name, *merged)]
    assert len(names) == len(set(names))
