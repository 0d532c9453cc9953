"""Golden cases of an outage that nobody saw: it hides between a sending and the answer of the next one.

f0 is 3 ms after 20 was due, f1 8 ms; one write every 10 ms, answered in 1 ms; stable from 21 until 31.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rto_rpo.golden_drill import FAILED, Fields, Planted, nobodys, small
from tests.rto_rpo.ledgers import MS, PlantedDrill, event, intents, judged, operation, stream

UPPER = "m.recovery_times[0].upper_seconds"


def unseen() -> Iterator[Planted]:
    yield "unseen", _unseen(), {UPPER: 0.011}
    yield "unseen, one slow", _unseen({25: {"took": 15 * MS}}), {UPPER: 0.025}
    yield "unseen, two slow in a row", _unseen({25: {"took": 19 * MS}, 26: {"took": 15 * MS}}), {UPPER: 0.029}
    yield "unseen, one sent late", _unseen({25: {"lag": 9 * MS}}), {UPPER: 0.020}
    yield "unseen, sent late and slow", _unseen({25: {"lag": 9 * MS, "took": 20 * MS}}), {UPPER: 0.039}
    yield "unseen, the first is slow", _unseen({21: {"took": 20 * MS}}), {UPPER: 0.027}
    yield "unseen, slow in flight at the fault", _unseen({20: {"took": 19 * MS}}), {UPPER: 0.011}
    yield "unseen, sent as the fault begins", _unseen({20: {"lag": 3 * MS, "took": 2 * MS}}), {UPPER: 0.011}
    yield from _to_the_end_of_the_run()
    yield from _beside()
    yield from _in_stretches()
    for rto, verdict in ((0.025, "met"), (0.024999999, "inconclusive")):
        drill = _unseen({25: {"took": 15 * MS}}, head={"judged": [judged("gateway", "rto", rto)]})
        yield f"unseen, of an rto of {rto}", drill, {"d.judgements[0].verdict": verdict}
    seen = small(outage_ns=0, instead={22: FAILED, 25: {"took": 20 * MS}, 30: {"lag": 9 * MS}})
    yield "seen, and slow afterwards", seen, {UPPER: 0.028}


def _unseen(instead: dict[int, Any] | None = None, **planted: Any) -> PlantedDrill:
    return small(outage_ns=0, instead=instead or {}, **planted)


def _to_the_end_of_the_run() -> Iterator[Planted]:
    """What was sent before the run was long enough counts, to the answer of the next one."""
    slow = {"took": 20 * MS}
    for number, upper in ((31, 0.03), (32, 0.011)):
        yield f"unseen, slow {number}", _unseen({number: slow}), {UPPER: upper}
    at_once = _unseen()
    at_once.more = _read_too(31, 20 * MS)
    yield "unseen, another slow one sent with 31", at_once, {UPPER: 0.011}
    yield "unseen, nobody's, never frozen", nobodys(outage_ns=0), {UPPER: 0.101}
    frozen = {64: (0.03, slow), 20: (0.011, slow), 21: (0.028, {"took": 18 * MS})}
    for number, (upper, answer) in frozen.items():
        yield f"unseen, nobody's, {number} slow", _frozen({number: answer}), {UPPER: upper}
    yield "unseen, nobody's, bad before it was frozen", _frozen({20: FAILED}), {UPPER: 0.021}
    deleting = _frozen({})
    deleting.head["streams"] = [stream(interval_ns=200)]
    due = deleting.due(64) + 8 * MS
    deleting.more += [intents(5, 1, due, act="delete"), operation(5, due, act="delete", took=19 * MS)]
    yield "unseen, nobody's, deleted at the end", deleting, {UPPER: 0.027}
    again = _unseen({40: {"took": 20 * MS}, 45: FAILED}, after_ns=450 * MS)
    yield "unseen, and bad after the run", again, {UPPER: 0.011}


def _frozen(instead: dict[int, Any]) -> PlantedDrill:
    """Nobody's fault, looked for since 5 ms after 20 was due."""
    drill = nobodys(outage_ns=0, instead=instead, after_ns=450 * MS)
    drill.head["late_ns"] = None
    drill.more = [event("frozen", drill.due(20) + 5 * MS, "recorder", late_ns=20 * MS)]
    return drill


def _beside() -> Iterator[Planted]:
    """Two that were sent at once: the later answer of the two does not say that it was away for longer."""
    for took, upper in ((1 * MS, 0.011), (4 * MS, 0.012), (15 * MS, 0.015)):
        beside = _unseen({25: {"took": 2 * MS}})
        beside.more = _read_too(25, took)
        yield f"unseen, another in {took} beside", beside, {UPPER: upper}


def _read_too(number: int, took: int) -> list[Fields]:
    due = small().due(number)
    return [intents(0, 1, due, act="read"), operation(0, due, act="read", took=took)]


def _in_stretches() -> Iterator[Planted]:
    """However many are looked at in one go: here one, for so fine an interval is declared."""
    head = {"streams": [stream(interval_ns=200)]}
    for number, lag in ((25, 3 * MS), (25, 3 * MS - 1), (30, 9 * MS), (31, 3 * MS)):
        drill = _unseen({number: {"lag": lag, "took": 5 * MS}}, head=head)
        yield f"unseen, in stretches, {number} sent {lag} late", drill, {UPPER: (15 * MS + lag) / 1e9}
