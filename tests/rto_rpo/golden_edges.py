"""Golden cases at the edges, one for each way of bending the judge that the others let pass."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rto_rpo.golden_drill import FAILED, FAULT, Fields, Planted, nobodys, small
from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    drill_of,
    event,
    intents,
    judged,
    operation,
    sha256_of,
    stall,
    stream,
)


def edges() -> Iterator[Planted]:
    yield from _windows()
    yield from _first_answers()
    yield from _served()
    yield from _owed()
    yield from _points()
    yield from _events()


def _served() -> Iterator[Planted]:
    """What was served and what was bad, where it lies on the very edge of what is watched."""
    yield "failed as the fault began", small(outage_ns=0, instead={20: {**FAILED, "took": 3 * MS}}), {}
    late_before = nobodys(outage_ns=0, instead={20: {"took": 40 * MS}, 21: FAILED})
    late_before.head["late_ns"] = None
    late_before.more = [event("frozen", late_before.due(20) + 5 * MS, "recorder", late_ns=20 * MS)]
    yield "nobody's, late before it was watched", late_before, {"m.void": None}
    before = small(instead={5: {"took": 19 * MS}, 19: FAILED})
    yield "bad and over before the fault", before, {"m.recovery_times[0].bad_count": 10}
    yield "stable before anything was bad", small(outage_ns=0, after_ns=450 * MS, instead={45: FAILED}), {}
    yield "no outage, said", small(outage_ns=0), {"d.reasons[0][-20:]": "; no outage was seen"}
    beside = nobodys()
    due = beside.due(21)
    beside.more = [intents(0, 1, due, act="read"), operation(0, due, act="read")]
    yield "nobody's, one served beside the first bad", beside, {}
    at_once = nobodys(outage_ns=0, instead={0: FAILED})
    never = "gateway rto: nothing was served before the outage, so there is no upper bound"
    yield "nobody's, at once, said", at_once, {f"d.reasons[0][:{len(never)}]": never}


def _owed() -> Iterator[Planted]:
    """What a drill owes besides its numbers, where everything else is met."""
    unseen = nobodys(outage_ns=0, after_ns=350 * MS)
    unseen.head["late_ns"] = None
    unseen.more = [event("frozen", unseen.due(20) + 5 * MS, "recorder", late_ns=20 * MS)]
    tested = "any('so nothing was tested' in each for each in d.reasons)"
    yield "nobody's, nothing seen, all else met", unseen, {"d.verdict": "inconclusive", tested: True}
    runbook = {"drill": drill_of("kill_site", respond="runbook")}
    at = small().f1 + 150 * MS
    for name, verdict in ((None, "inconclusive"), ("engine", "inconclusive"), ("runbook", "met")):
        checks = [event("check", at, name=name, verdict="met", reason="so")] if name else []
        yield f"runbook told by {name}", small(head=runbook, more=checks), {"d.verdict": verdict}
    gate = {"drill": drill_of("kill_site", gate=True)}
    yield "gate passed", small(head=gate, more=[event("safe", at)]), {"d.verdict": "met", "m.doubts": ()}
    yield "no gate", small(), {"m.safe": None, "m.reading_problems": {}}
    unseen = small(head=gate, outage_ns=0, more=[event("safe", small().f1 + 1)])
    yield (
        "safe, no outage seen",
        unseen,
        {"(m.safe.upper_seconds, m.recovery_times[0].upper_seconds)": (0.011, 0.011)},
    )
    slow = small(outage_ns=0, fault_ns=60 * MS)
    b = min(slow.due(number) for number in range(slow.count) if slow.due(number) > slow.f1) + MS
    yield "no outage seen, slow fault", slow, {"m.recovery_times[0].upper_seconds": (b - slow.f0) / 1e9}
    untimed = small(without={"fault_end"}, more=[event("safe", at)])
    yield "safe, untimed", untimed, {"(m.safe.reached, m.safe.upper_seconds)": (True, None)}
    unread = small(reading={"end": False})
    yield "unread, said", unread, {"m.reading_problems": {"orders": "the reading has no end marker"}}


def _points() -> Iterator[Planted]:
    few = {"judged": [judged("orders", "rpo", 0.05)]}
    phantom = {32: FAILED} | dict.fromkeys(range(21, 31), FAILED)
    doubtful = small(head=few, lost=set(range(10, 21)), unexpected={10**6}, instead=phantom)
    yield "lost beyond all doubt", doubtful, {"d.judgements[0].verdict": "missed"}
    many = {"judged": [judged("orders", "rpo", 9.0)]}
    unknown: Fields = {"d.verdict": "inconclusive", "m.recovery_points[0].upper_seconds": None}
    unknown["d.judgements[0].reason[:35]"] = "no write from before the loss came "
    for name, streams in (("the fault", [stream()]), ("a restore", [stream(restored=True)])):
        head = {**many, "streams": streams}
        yield f"all before {name} lost", small(head=head, lost=set(range(21))), unknown
        yield (
            f"all but one before {name} lost",
            small(head=head, lost=set(range(1, 21))),
            {"d.verdict": "met"},
        )
    yield "no rate for what lost some", small(lost={5}), {"m.recovery_points[0].loss_rate_bound": None}
    none = "orders rpo: 0 of 45 acknowledged writes lost, which proves only a loss rate below about 0.067"
    yield "none lost, said", small(), {"d.reasons[1]": none}
    kept = small(instead={20: {"outcome": "indeterminate", "cause": "timeout"}} | _down())
    kept.reading = {"rows": [*kept.rows(), (20, sha256_of(20))]}
    age = (kept.f0 - kept.due(19) - MS) / 1e9
    yield (
        "newest survivor of unknown outcome",
        kept,
        {"m.recovery_points[0].newest_survivor_age_seconds": age},
    )

    rows = small().rows()
    maybe = small(deleted={20: "indeterminate"}, reading={"rows": rows})
    yield (
        "newest survivor perhaps deleted",
        maybe,
        {"m.recovery_points[0].newest_survivor_age_seconds": age},
    )


def _down() -> dict[int, Fields | None]:
    return dict.fromkeys(range(21, 31), FAILED)


def _events() -> Iterator[Planted]:
    f1 = small().f1
    guard = small(end_reason="aborted", more=[event("aborted", f1, reason="a guard")])
    yield "aborted, and why", guard, {"m.void": "the drill was aborted: a guard"}
    yield "nobody's, with milestones", nobodys(more=[event("detected", f1)]), {"m.void": None}
    yield "a stall of no length", small(more=[stall(f1, f1)]), {"m.void": None}
    named = "[p.name for p in m.recovery_times[0].phases]"
    decided = small(more=[event("decided", f1 + MS)])
    yield "decided by nobody's waiting", decided, {named: ["decide", "first acknowledgement"]}
    b = small().due(31) + MS
    holes = small(outage_ns=0)
    for number, at in zip((1, 2, 3, 4), (22, 23, 24, 25), strict=True):
        due = holes.due(at)
        holes.more += [intents(number, 1, due, act="delete"), operation(number, due, act="delete")]
    kept = [
        each
        for each in holes.records()
        if each.get("act") != "write" or each.get("number") not in range(22, 26)
    ]
    kept[0] = intents(0, 22, holes.due(0))
    kept.insert(1, intents(26, holes.count - 26, holes.due(26)))
    holes.records = lambda: kept  # type: ignore[method-assign]
    yield "deletions in a hole of the writes", holes, {"m.void is None": False}
    at_last = small(more=[event("started", b, service="gateway")])
    yield "started as it was served", at_last, {named: ["start", "first acknowledgement"]}


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
    yield "answers that arrive at once", _asked_old(15 * MS, tied), _taken((0,))
    at_once = {20: {"address": "dr", "took": 3 * MS}}
    yield "an address that answers as the fault begins", _asked_old(15 * MS, at_once), _taken((0,))
    serving_on = {number: {"address": "old"} for number in there}
    inconclusive = {"d.verdict": "inconclusive", "m.split_brain[0].reason[:40]": _NO_NEW_SIDE[:40]}
    yield "the old primary serves on", _served_by_old(50 * MS, serving_on), {**_taken(()), **inconclusive}
    refused_by_new = {**serving_on, 36: {**FAILED, "address": "dr"}}
    yield "it serves on, another refuses", _served_by_old(50 * MS, refused_by_new), inconclusive
    unnamed_too = {**serving_on, 35: {"address": None}}
    yield "it serves on, somebody answers", _served_by_old(50 * MS, unnamed_too), inconclusive
    other_before = {**serving_on, 5: {"address": "dr"}, 36: {"address": "dr"}}
    yield "it serves on, beside one from before", _served_by_old(60 * MS, other_before), inconclusive
    joined = {**serving_on, 36: {"address": "dr"}}
    for more, taken in ((51 * MS, ()), (51 * MS + 1, (0,))):  # 36 was sent 50 ms after 31, and took 1 ms
        yield f"it serves on beside another, {more}", _served_by_old(more, joined), _taken(taken)
    beside = _served_by_old(5 * MS, {**serving_on, 31: {"address": "other"}})
    due = beside.due(34)
    read = {"act": "read", "address": "dr"}
    beside.more += [intents(0, 1, due, act="read"), operation(0, due, **read)]
    earlier = beside.due(32)
    beside.more += [intents(1, 1, earlier, act="read"), operation(1, earlier, **read)]
    yield "it serves on, and another as b came", beside, {}
    at_once = {**serving_on, 34: {"address": "dr"}}
    refused_there = _served_by_old(50 * MS, at_once, FAILED)
    yield "the old primary's own refusals name nobody", refused_there, {"d.verdict": "inconclusive"}
    nobodys_own = _asked_old(25 * MS, {0: FAILED})
    nobodys_own.head |= {"drill": nobodys().head["drill"]}
    nobodys_own.outage_ns, nobodys_own.without = 0, FAULT
    yield "nobody's, at once, with addresses", nobodys_own, {}


_NO_NEW_SIDE = "nothing shows that a new side served; after its revival: not tested"


def _served_by_old(more: int, instead: dict[int, Fields], answer: Fields | None = None) -> PlantedDrill:
    """`_asked_old`, and the write to the old primary is answered from the address `old`."""
    drill = _asked_old(more, instead)
    old = next(each for each in drill.more if each["kind"] == "operation")
    old |= {"address": "old", **(answer or {})}
    return drill


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
    before = drill.f0 - 5 * MS
    drill.more.append(intents(900, 1, before, stream="old", ns=before))
    drill.more.append(operation(900, before, stream="old", address="old"))
    drill.instead = {
        number: {"address": "dr" if number > 30 else "old"}
        for number in range(drill.count)
        if not drill.is_down(number)
    }
    drill.instead |= {**(instead or {}), 33: FAILED}
    return drill
