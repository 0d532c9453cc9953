"""Golden cases of recovery times and of stalls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.rto_rpo.golden_drill import FAILED, FAULT, Fields, Planted, nobodys, small
from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    S,
    drill_of,
    event,
    intents,
    judged,
    operation,
    stall,
    stream,
)


def timed() -> Iterator[Planted]:
    yield "plain", small(), {"d.verdict": "met"}
    for took in (20 * MS, 20 * MS + 1):
        yield f"took {took}", small(instead={35: {"took": took}}), {}
    for limit in (0.108, 0.107999999, 0.092, 0.091999999):
        yield f"rto {limit}", small(head={"judged": [judged("gateway", "rto", limit)]}), {}
    for after in (100, 110, 120):
        yield f"after {after}", small(after_ns=after * MS), {}
    unstable = "gateway rto: no stable run of 0.1 s was seen"
    yield "unstable", small(after_ns=90 * MS), {f"d.reasons[0][:{len(unstable)}]": unstable}
    yield "flaps", small(instead={33: FAILED, 35: FAILED}), {"m.recovery_times[0].flap_count": 2}
    yield "in flight", small(outage_ns=0, instead={20: {**FAILED, "took": 50 * MS}}), {}
    yield from _served_between()
    yield "slow fault", small(outage_ns=0, fault_ns=150 * MS, instead={36: FAILED}), {}
    yield "nobody's", nobodys(), {}
    yield "nobody's, unseen", nobodys(outage_ns=0), {}
    yield "nobody's, blip", nobodys(outage_ns=0, instead={25: FAILED}), {}
    yield "nobody's, at once", nobodys(outage_ns=0, instead={0: FAILED}), {}
    for length in (10 * MS, 10 * MS + 1):
        yield f"lag {length}", small(instead={22: {**FAILED, "lag": length}}), {}
        yield f"stall {length}", small(more=[stall(T0 + 310 * MS, T0 + 310 * MS + length)]), {}
    for at in (small().due(20) + MS, small().due(31) + 100 * MS):
        for start in (at - 12 * MS, at - 11 * MS, at, at + 1):
            stop = start + 11 * MS if start != at - 12 * MS else at - 1
            yield f"stall from {start} to {stop}", small(more=[stall(start, stop)]), {}
    for number in (5, 22, 50):
        yield f"never sent {number}", small(instead={number: None}), {}
    for number in (41, 42):
        yield f"never sent {number}", small(instead={number: None}), {}
        yield f"late {number}", small(instead={number: {"lag": 11 * MS}}), {}
    yield "never sent at the beginning", small(instead={19: {"took": 10 * MS}, 20: None}), {}
    for lag in (11 * MS, 11 * MS - 1):
        yield f"sent {lag} late at the beginning", small(instead={19: {**FAILED, "lag": lag}}), {}
    yield (
        "very late",
        small(instead={3: {"lag": 3 * S}, 5: {"took": 5 * S}}),
        {"m.lag.sent_max_seconds": 3.0},
    )
    yield (
        "late stall, no outage",
        small(outage_ns=0, after_ns=600 * MS, more=[stall(T0 + 560 * MS, T0 + 580 * MS)]),
        {},
    )
    yield (
        "bad at once",
        nobodys(outage_ns=0, more=[event("fault_begin", small().due(25))], instead={24: FAILED, 25: FAILED}),
        {},
    )
    yield (
        "no late",
        small(head={"drill": drill_of("none"), "late_ns": None}, without=FAULT),
        {"m.void": "late was never frozen"},
    )
    yield "gap", _gapped(2), {"d.reasons[0][:15]": "the run is void"}
    yield "no gap", _gapped(1), {"m.void is None": True}
    yield "gap over the beginning", _gapped(2, 20, {19: {"took": 12 * MS}}), {"m.void is None": False}
    yield "gap over the end", _gapped(3, 40), {"m.void is None": False}
    begin, finish = small().due(20) + MS, small().due(41)
    deleting = _gapped(3, 40)
    deleting.records().extend([intents(5, 1, finish, act="delete"), operation(5, finish, act="delete")])
    yield "gap over the end, and deleted in between", deleting, {"m.void is None": False}
    for at in (begin, begin - 1, finish, finish + 1, begin - 300 * MS):
        yield f"control {at}", _controlled(at), {}
    yield "control late", _controlled(begin, took=21 * MS, outcome="acknowledged"), {"m.void is None": False}
    yield "control just in time", _controlled(begin, took=20 * MS, outcome="acknowledged"), {"m.void": None}
    yield from _unheard()


def _served_between() -> Iterator[Planted]:
    """Between two that are bad: one sent as the fault began, and one that is not the last by its place."""

    def read(at: int) -> list[Fields]:
        return [intents(0, 1, at, act="read"), operation(0, at, act="read")]

    began = small().f0
    at_once = small(instead={20: {**FAILED, "took": 50 * MS}}, more=read(began))
    yield "served as the fault began", at_once, {"m.recovery_times[0].flap_count": 1}
    again = small(after_ns=400 * MS, instead={45: FAILED}, more=read(small().due(32) + MS))
    until = small().due(31) + 100 * MS
    yield "bad again, and read in between", again, {"m.recovery_times[0].stable_until_ns": until}


def _gapped(missing: int, first: int = 24, instead: Fields | None = None) -> PlantedDrill:
    """Numbers that were never even intended."""
    rest = first + missing
    drill = small(instead={**(instead or {}), **dict.fromkeys(range(first, rest))})
    records = [each for each in drill.records() if each["kind"] != "intents"]
    records += [intents(0, first, drill.due(0)), intents(rest, drill.count - rest, drill.due(rest))]
    drill.records = lambda: records  # type: ignore[method-assign]
    return drill


def _controlled(at: int, **answer: Any) -> PlantedDrill:
    """An operation on the control endpoint that is bad, `at` when it was sent and when it was completed."""
    drill = _watched(range(55))
    drill.more.append(intents(99, 1, at, stream="outside", act="read"))
    planted = {**FAILED, "took": 0, **answer}
    drill.more.append(operation(99, at, stream="outside", act="read", **planted))
    return drill


def _watched(
    asked: Iterable[int], instead: dict[int, Fields | None] | None = None, **planted: Any
) -> PlantedDrill:
    """The control endpoint, asked with these numbers, each when the clients' own of that number is due."""
    head = {"streams": [stream(), stream("outside", "control")], **planted.pop("head", {})}
    drill = small(head=head, **planted)
    for number in asked:
        due, each = drill.due(number), (instead or {}).get(number, {})
        drill.more.append(intents(number, 1, due, stream="outside", act="read"))
        if each is not None:
            drill.more.append(operation(number, due, stream="outside", act="read", **each))
    return drill


def _unheard() -> Iterator[Planted]:
    """The window is from a millisecond after 20 was due until 41 is; one may be missing, two may not."""
    heard, void = {"m.void is None": True}, {"m.void is None": False}
    yield "control heard", _watched(range(55)), {**heard, "d.verdict": "met"}
    yield "control never asked", _watched(()), {**void, "d.verdict": "inconclusive"}
    yield "control asked before and after", _watched([*range(20), *range(42, 55)]), void
    yield "control asked no more", _watched(range(39)), void
    yield "control asked to the end", _watched(range(40)), heard
    yield "control asked from 22 on", _watched(range(22, 55)), heard
    yield "control asked from 23 on", _watched(range(23, 55)), void
    yield "control with a hole", _watched([*range(30), *range(31, 55)]), heard
    yield "control with a wide hole", _watched([*range(30), *range(32, 55)]), void
    nearly = {31: {"lag": 1}}
    yield "control with a hole a little too wide", _watched([*range(30), *range(31, 55)], nearly), void
    yield "control without an outcome", _watched(range(55), {30: None}), void
    yield "control without an outcome before", _watched(range(55), {19: None}), heard
    short: Fields = {"head": {"stable_ns": 5 * MS}, "outage_ns": 0}
    yield "control asked in a short window", _watched([*range(20), 21], **short), heard
    yield "control asked around a short window", _watched([*range(20), *range(22, 55)], **short), void
    answered_within = {20: {"took": 3 * MS}}
    yield "control asked before the window", _watched([*range(21), *range(23, 55)], answered_within), void
