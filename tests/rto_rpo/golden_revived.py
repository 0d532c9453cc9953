"""Golden cases of an old primary that was brought back: who refused, for how long, and who looked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.rto_rpo.golden_drill import FAILED, FAULT, NO, UNKNOWN, Fields, Planted, addressed, small, worked
from tests.rto_rpo.ledgers import (
    MS,
    PlantedDrill,
    S,
    drill_of,
    event,
    intents,
    operation,
    stall,
    stream,
)

B = 31  # the first write of clients that is acknowledged again
BEGIN = (
    4  # the first write to the old primary that is sent once it is being brought back, at that very instant
)
LAST = 14  # its server refuses from BEGIN to LAST: 100 ms, just as long as the service had to be stable


@dataclass(frozen=True)
class When:
    """When the writes to the old primary are due."""

    origin_ns: int
    step_ns: int = 10 * MS
    before: int = 0  # so many more, before number 0

    def at(self, number: int) -> int:
        return self.origin_ns + number * self.step_ns


JUST_AFTER = When(small().due(B + 1))
LATER = When(small().due(B + 31), before=30)  # past the window of the clients
SAID = "m.split_brain[0].reason"
TAKEN = "m.split_brain[0].revived_taken"
OWED = {"drill": drill_of("kill_site", revive=True)}


def revived() -> Iterator[Planted]:
    none = "the old primary acknowledged none of 15 writes sent once the new side served"
    refused = f"{none}; after its revival: it took 0 of 11 writes (25006: 11)"
    yield "revived", brought_back(), {"d.verdict": "met", SAID: refused}
    for cause, verdict in (("42501", "met"), ("denied", "met"), ("28000", "inconclusive")):
        yield f"revived, {cause}", brought_back(says={"outcome": "failed", "cause": cause}), _is(verdict)
    yield from _never_listened()
    yield from _not_long_enough()
    yield from _taken()
    yield from _turned_off()
    yield from _not_looked_at()
    yield "to be revived", small(head=OWED), {"d.verdict": "inconclusive", "len(m.doubts)": 2}
    nowhere = small(head=OWED, more=[event("old_primary_revived", JUST_AFTER.at(BEGIN))])
    told = "the old primary was to be revived, and its own address was not written to"
    yield "revived, and written to nowhere", nowhere, {"d.verdict": "inconclusive", "m.doubts": (told,)}
    yield "to be revived, and was", brought_back(head=OWED), {"d.verdict": "met", "m.doubts": ()}
    unfrozen = small(
        head={"late_ns": None, "drill": drill_of("none"), "streams": [stream(), old()]}, without=FAULT
    )
    unfrozen.more = brought_back(without={"revival_begin"}, count=LAST + 2).more
    yield "revived, and late never frozen", unfrozen, {"d.verdict": "inconclusive"}
    begun = brought_back(head=OWED, without={"old_primary_revived"})
    never = {"d.verdict": "inconclusive", "len(m.doubts)": 1, SAID: f"{none}; after its revival: not tested"}
    yield "to be revived, and begun", begun, never


def _is(verdict: str) -> Fields:
    return {"m.split_brain[0].verdict": verdict, "m.void": None}


def _told(why: str) -> Fields:
    return {**_is("inconclusive"), f"{why!r} in {SAID}": True}


def _never_listened() -> Iterator[Planted]:
    """What a dead server answers with is no refusal of its own."""
    never = _told(
        "its server itself refused no write; after its revival: it took 0 of 11 writes (refused: 11)"
    )
    yield "revived, closed port", brought_back(says=FAILED), never
    for cause in ("unconnected", "unreachable", "", "53100", "57P01"):
        dead = brought_back(says={"outcome": "failed", "cause": cause})
        yield f"revived, cause {cause!r}", dead, _told(f"({cause or 'no cause'}: 11)")
    yield "revived, unknown", brought_back(says={**NO, **UNKNOWN}), _is("inconclusive")
    maybe = brought_back(says={"outcome": "indeterminate", "cause": "25006"})
    yield "revived, maybe refused", maybe, _told("11 of 15 writes sent to the old primary once")
    nothing = brought_back(begin=LAST + 1)
    unsent = _told("nothing was sent to the old primary after it was revived")
    yield "revived, and nothing sent", nothing, {**unsent, f"{SAID}.endswith(' 0 of 0 writes')": True}
    reads = brought_back(begin=LAST + 1)
    due = JUST_AFTER.at(LAST + 2)
    reads.more += [intents(0, 1, due, stream="old", act="read")]
    reads.more += [operation(0, due, stream="old", act="read", **NO)]
    yield "revived, and only read", reads, unsent
    before = brought_back({0: NO, 1: NO}, says=FAILED)
    yield "refused before it was revived", before, _told("its server itself refused no write")
    many = {BEGIN + place: {"outcome": "failed", "cause": f"c{place}"} for place in range(1, 8)}
    told = "(25006: 4, c1: 1, c2: 1, c3: 1, c4: 1, others: 3)"
    yield "revived, many causes", brought_back(many), {**_is("met"), f"{told!r} in {SAID}": True}


def _not_long_enough() -> Iterator[Planted]:
    only = "was heard to refuse for 0.090 s only, where 0.100 s are due"
    yield "revived, refused late", brought_back({BEGIN: FAILED}), _told(only)
    yield "revived, refused briefly", brought_back({LAST: FAILED}), _told(only)
    once = brought_back(dict.fromkeys(range(BEGIN + 1, LAST + 1), FAILED))
    yield "revived, refused once", once, _told("was heard to refuse for 0.000 s only")
    flapped = brought_back(dict.fromkeys(range(BEGIN + 1, LAST), FAILED))
    yield "revived, its port closed in between", flapped, _is("met")
    slow = brought_back({BEGIN: {**NO, "took": 150 * MS}})
    yield "revived, answered out of turn", slow, _is("met")
    slowly = {"steady_ns": 3 * S, "outage_ns": 2 * S, "after_ns": 15 * S, "interval_ns": S}
    for last, verdict in ((BEGIN + 10, "met"), (BEGIN + 9, "inconclusive")):
        head = {"stable_ns": 12 * S, "late_ns": S, "streams": [stream(interval_ns=S), old(S)]}
        drill = brought_back(
            dict.fromkeys(range(last + 1, 40), FAILED),
            head=head,
            count=18,
            when=When(small(**slowly).due(5), S),
            **slowly,
        )
        yield f"revived for {last - BEGIN} s, stable for 12 s", drill, _is(verdict)


def _taken() -> Iterator[Planted]:
    yield "revived, taken", brought_back({9: {}}), {"d.verdict": "missed", TAKEN: (9,)}
    while_it_began = {"d.verdict": "missed", TAKEN: (BEGIN,)}
    yield "taken while it was being revived", brought_back({BEGIN: {}}), while_it_began
    older = brought_back({BEGIN: {}}, without={"revival_begin"})
    yield "taken before it was known to be revived", older, {"d.verdict": "missed", TAKEN: ()}
    older = brought_back(without={"revival_begin"}, count=LAST + 2)
    yield (
        "revived, and nobody said when that began",
        older,
        {**_is("met"), "m.split_brain[0].revived_tried": 11},
    )
    late = brought_back(again=LAST + 1)
    yield "revived, and again", late, _is("met")
    yield "taken before it was revived", brought_back({1: {}}), {"d.verdict": "missed", TAKEN: ()}


def _turned_off() -> Iterator[Planted]:
    """A closed port counts while nothing runs there: that is proven before it and after it."""
    off = "after its revival: it took 0 of 11 writes (refused: 11)"
    for first, last, verdict in (
        (0, MS, "met"),
        (1, MS, "inconclusive"),
        (0, MS - 1, "inconclusive"),
        (0, None, "inconclusive"),
    ):
        drill = brought_back(says=FAILED)
        drill.more.append(event("old_primary_gone", JUST_AFTER.at(BEGIN) + first))
        if last is not None:
            drill.more.append(event("old_primary_gone", JUST_AFTER.at(LAST) + last))
        yield f"turned off, {first} to {last}", drill, {**_is(verdict), f"{off!r} in {SAID}": True}
    elsewhere = brought_back(says=FAILED)
    elsewhere.head["streams"][1] |= {"site": "primary"}
    for at in (JUST_AFTER.at(BEGIN), JUST_AFTER.at(LAST) + MS):
        elsewhere.more.append(event("old_primary_gone", at, site="dr"))
    yield "turned off, another", elsewhere, _is("inconclusive")
    proofs = [
        event("old_primary_gone", JUST_AFTER.at(BEGIN)),
        event("old_primary_gone", JUST_AFTER.at(LAST) + MS),
    ]
    between = event("old_primary_gone", JUST_AFTER.at(9))
    for name, answer, verdict in (("maybe", UNKNOWN, "inconclusive"), ("taken", {}, "missed")):
        drill = brought_back({9: answer}, says=FAILED)
        drill.more += [proofs[0], between, proofs[1]]
        yield f"turned off, {name}", drill, _is(verdict)
    maybe = brought_back({BEGIN: UNKNOWN, LAST: FAILED}, says=FAILED)
    maybe.more += proofs
    yield "turned off, first unknown", maybe, _is("inconclusive")


def _not_looked_at() -> Iterator[Planted]:
    """The window of the clients is over; the revival has one of its own, to the last refusal."""
    for start, stop, verdict in (
        (BEGIN, BEGIN, "met"),
        (BEGIN + 1, BEGIN + 3, "inconclusive"),
        (BEGIN - 3, BEGIN - 1, "met"),
        (BEGIN - 3, BEGIN, "inconclusive"),
        (LAST, LAST + 3, "inconclusive"),
        (LAST + 1, LAST + 3, "met"),
    ):
        silent: dict[int, Fields | None] = dict.fromkeys(range(LAST + 1, LAST + 4), FAILED)
        drill = brought_back(silent, count=LAST + 4, when=LATER)
        drill.more.append(stall(LATER.at(start), LATER.at(stop)))
        yield f"revived, stalled {start} to {stop}", drill, _is(verdict)
    stalled = brought_back(when=LATER)
    stalled.more.append(stall(LATER.at(6), LATER.at(8)))
    yield (
        "revived, stalled",
        stalled,
        _told("while the old primary was revived: the recorder stalled for 0.020 s"),
    )
    starting = brought_back({BEGIN: FAILED, BEGIN + 1: FAILED}, count=LAST + 3, when=LATER)
    starting.more.append(stall(LATER.at(BEGIN), LATER.at(BEGIN + 1) + MS))
    yield "revived, stalled before it refused", starting, _is("inconclusive")
    tardy = brought_back({8: {**NO, "lag": 11 * MS}}, when=LATER)
    yield (
        "revived, written late",
        tardy,
        _told("while the old primary was revived: operation 38 was sent 0.011 s"),
    )
    holes = brought_back({7: None, 8: None, 9: None}, when=LATER)
    yield (
        "revived, not written to",
        holes,
        _told("while the old primary was revived: nothing was sent for 0.040 s"),
    )
    for answer in ({}, UNKNOWN, None):
        drill = brought_back(when=LATER)
        _control(drill, answer)
        verdict = "met" if answer == {} else "inconclusive"
        yield f"revived, the control {answer}", drill, _is(verdict)


def old(step: int = 10 * MS) -> Fields:
    return stream("old", "old_primary", interval_ns=step)


def brought_back(
    answers: dict[int, Fields | None] | None = None,
    *,
    says: Fields | None = None,
    begin: int = BEGIN,
    count: int = LAST + 1,
    when: When = JUST_AFTER,
    without: set[str] | None = None,
    again: int | None = None,
    head: Fields | None = None,
    **planted: Any,
) -> PlantedDrill:
    """The old primary refuses; from write `begin` on, once it is being brought back, it `says` what it says.

    `answers` take the place of those, by number; one that is None was never sent.
    """
    drill = small(head={"streams": [stream(), old()], **(head or {})}, **planted)
    drill.more += worked(addressed(drill))
    for number in range(-when.before, count):
        answer = (answers or {}).get(number, NO if number < begin else says or NO)
        if answer is not None:
            due = when.at(number)
            named = number + when.before
            drill.more += [intents(named, 1, due, when.step_ns, stream="old")]
            drill.more += [operation(named, due, stream="old", **answer)]
    begun = when.at(begin)
    told = [event("revival_begin", begun), event("old_primary_revived", begun + 1)]
    told += [] if again is None else [event("old_primary_revived", when.at(again))]
    drill.more += [each for each in told if each["event"] not in (without or set())]
    return drill


def _control(drill: PlantedDrill, answer: Fields | None) -> None:
    """A control that answers all along, but for a while of the revival."""
    drill.head["streams"].append(stream("control", "control"))
    first, last = drill.due(0) - 50 * MS, LATER.at(LAST + 3)
    for number, due in enumerate(range(first, last, 10 * MS)):
        there = not LATER.at(7) <= due <= LATER.at(10)
        said = {} if there else answer
        if said is not None:
            drill.more += [intents(number, 1, due, stream="control", act="read")]
            drill.more += [operation(number, due, stream="control", act="read", **said)]
