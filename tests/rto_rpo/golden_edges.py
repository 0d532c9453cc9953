"""Golden cases at the edges, one for each way of bending the judge that the others let pass."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rto_rpo.golden_drill import FAILED, FAULT, Fields, Planted, nobodys, small
from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    event,
    intents,
    operation,
    stall,
    stream,
)


def edges() -> Iterator[Planted]:
    yield from _windows()
    yield from _first_answers()


def _windows() -> Iterator[Planted]:
    """Where the window begins and ends in which a stall counts."""
    early, late = stall(T0 + 150 * MS, T0 + 165 * MS), stall(T0 + 640 * MS, T0 + 655 * MS)
    yield "nobody's, stalled long before", nobodys(more=[early]), {"m.void": None}
    unseen = nobodys(outage_ns=0, after_ns=600 * MS, more=[late])
    yield "nobody's, unseen, stalled late", unseen, {"m.void is None": False}
    for begin, void in ((95, False), (79, True)):
        drill = small(outage_ns=0, without=FAULT)
        at = T0 + begin * MS
        drill.more = [event("fault_begin", at), event("fault_end", at)]
        drill.more.append(event("fault_effective", at, holds=True, how="looked"))
        yield f"fault at {begin} ms, before anything was sent", drill, {"m.void is None": not void}


def _first_answers() -> Iterator[Planted]:
    """When the new side first answered: a write to the old primary tells which answer was taken for it."""
    there = range(31, 55)
    said = "m.split_brain[0].reason[:16]"
    yield "only a write without an outcome", _asked_old(None), {said: "nothing was sent"}
    unnamed = {number: {"address": None} for number in there}
    yield "an address that nobody gives", _asked_old(155 * MS - 140 * MS, unnamed), _taken(())
    refused = {5: {**FAILED, "address": "dr"}}
    yield "an address that only refused before", _asked_old(15 * MS, refused), _taken((0,))
    crossed = {31: {"address": "dr", "took": 12 * MS}}
    yield "answers that cross", _asked_old(11 * MS + MS // 2, crossed), _taken((0,))
    tied = {
        31: {"address": "other"},
        32: {"address": "other"},
        34: {"address": "dr", "took": 11 * MS},
        35: {"address": "other"},
    }
    yield "answers that arrive at once", _asked_old(15 * MS, tied), _taken(())
    at_once = {20: {"address": "dr", "took": 3 * MS}}
    yield "an address that answers as the fault begins", _asked_old(15 * MS, at_once), _taken((0,))
    nobodys_own = _asked_old(25 * MS, {0: FAILED})
    nobodys_own.head |= {"drill": nobodys().head["drill"]}
    nobodys_own.outage_ns, nobodys_own.without = 0, FAULT
    yield "nobody's, at once, with addresses", nobodys_own, {}


def _taken(numbers: tuple[int, ...]) -> Fields:
    return {"m.split_brain[0].after": numbers}


def _asked_old(more: int | None, instead: dict[int, Fields] | None = None) -> PlantedDrill:
    """The new side answers 31 and 32, refuses 33, and then serves: b is 34.

    One write to the old primary is acknowledged; it was sent `more` ns after 31 was. None: it has no outcome.
    """
    drill = small(head={"streams": [stream(), stream("old", "old_primary")]})
    due = drill.due(31) + (0 if more is None else more)
    if more is None:
        due = drill.due(40)
    drill.more = [intents(0, 1, due, stream="old")]
    if more is not None:
        drill.more.append(operation(0, due, stream="old"))
    drill.instead = {
        number: {"address": "dr" if number > 30 else "old"}
        for number in range(drill.count)
        if not drill.is_down(number)
    }
    drill.instead |= {**(instead or {}), 33: FAILED}
    return drill
