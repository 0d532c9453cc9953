"""Golden cases of what lies beyond the numbers: lost again, undone, late, not restored, read elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rto_rpo.golden_drill import FAILED, Planted, addressed, nobodys, small
from tests.rto_rpo.ledgers import (
    MS,
    drill_of,
    end,
    event,
    intents,
    judged,
    operation,
    sha256_of,
    stream,
)

INCONCLUSIVE = {"d.verdict": "inconclusive"}
STABLE = 41  # sent when the service has been stable, 100 ms after b


def beyond() -> Iterator[Planted]:
    yield from _lost_again()
    yield from _undone()
    yield from _of_nobodys()
    yield from _restored()
    yield from _read()
    yield from _fine()


def _lost_again() -> Iterator[Planted]:
    again = "stream 'orders' was bad again once it had been stable: from 0.010 s to 0.030 s after"
    told = {f"any(each.startswith({again!r}) for each in m.doubts)": True}
    for name, make in (("ours", small), ("nobody's", nobodys)):
        drill = make(instead={STABLE + 1: FAILED, STABLE + 3: FAILED})
        yield f"{name}, lost again", drill, {**INCONCLUSIVE, **told}
        more = stream("more", service="ticker", dataset="ticks")
        beside = make(head={"streams": [stream(), more]})
        beside.more = [intents(0, beside.count, beside.due(0), stream="more")]
        for number in range(beside.count):
            gone = FAILED if beside.is_down(number) or number == STABLE + 1 else {}
            beside.more.append(operation(number, beside.due(number), stream="more", **gone))
        yield f"{name}, another lost again", beside, {"d.verdict": "met"}
        beside = make(head={"streams": [stream(), more], "judged": [judged("gateway", "rto", 30.0)]})
        yield f"{name}, another never written", beside, {"d.verdict": "met"}
        beside = make(head={"streams": [stream(), more]})
        beside.more = [intents(0, 1, beside.due(45), stream="more")]
        yield f"{name}, another never settled", beside, {"d.verdict": "met"}


def _undone() -> Iterator[Planted]:
    until = small().due(STABLE)
    for at, verdict in ((until, "inconclusive"), (until + 1, "met"), (small().f1 + MS, "inconclusive")):
        drill = small(more=[event("healed", at, how="undone"), event("healed", until + MS, how="again")])
        yield f"healed at {at}", drill, {"d.verdict": verdict}
    none = nobodys(more=[event("healed", until - MS, how="nothing to undo")])
    yield "nobody's, and healed", none, {"d.verdict": "met"}
    back = small().due(31) + MS - small().f0
    for deadline, verdict in ((back, "met"), (back - 1, "inconclusive")):
        yield f"deadline {deadline}", small(head={"deadline_ns": deadline}), {"d.verdict": verdict}
    yield "nobody's deadline", nobodys(head={"deadline_ns": MS}), {"d.verdict": "met"}
    begun = small(head={"deadline_ns": MS, "drill": drill_of("none")})
    begun.more = [event("healed", until - MS, how="nothing to undo")]
    yield "nobody's deadline, once it was begun", begun, {"d.verdict": "met"}


def _of_nobodys() -> Iterator[Planted]:
    """A planned move by the runbook owes how that ended; and an outage has to be seen by who is judged."""
    for told, verdict in (("runbook", "met"), ("gate", "inconclusive")):
        drill = nobodys(more=[event("check", small().f1, name=told, verdict="met", reason="so")])
        drill.head["drill"] = drill_of("none", respond="runbook")
        yield f"nobody's, by the runbook, {told} told", drill, {"d.verdict": verdict}
    beside = nobodys(outage_ns=0, after_ns=350 * MS)
    beside.head["late_ns"] = None
    beside.head["streams"] = [stream(), stream("more", service="ticker", dataset="ticks")]
    beside.more = [
        event("frozen", beside.due(20) + 5 * MS, "recorder", late_ns=20 * MS),
        intents(0, beside.count, beside.due(0), stream="more"),
    ]
    for number in range(beside.count):
        gone = FAILED if number == 25 else {}
        beside.more.append(operation(number, beside.due(number), stream="more", **gone))
    yield "nobody's, seen by others alone", beside, INCONCLUSIVE
    marks = nobodys()
    marks.head["streams"] = [stream(), stream("marks", "marks", dataset="strategies")]
    marks.head["judged"] = [judged("strategies", "rpo", 60.0, "marks")]
    yield "nobody's, and marks alone are judged", marks, INCONCLUSIVE


def _restored() -> Iterator[Planted]:
    """Marks count where the dataset was said to be restored, before they were read."""
    over = small().over
    for name, at, dataset, verdict in (
        ("restored", over, "strategies", "met"),
        ("restored after it was read", over + 1, "strategies", "inconclusive"),
        ("another restored", over, "ticks", "inconclusive"),
        ("nothing restored", over, None, "inconclusive"),
    ):
        drill = small(head={"streams": [stream(), stream("marks", "marks", dataset="strategies")]})
        drill.head["judged"] = [judged("strategies", "rpo", 60.0, "marks")]
        drill.more = [intents(0, 20, drill.due(0), stream="marks")]
        drill.more += [operation(number, drill.due(number), stream="marks") for number in range(20)]
        if dataset is not None:
            drill.more.append(event("restored", at, dataset=dataset))
        drill.more += _marks_read(over)
        drill.end_reason = None
        drill.more.append(end(over + 1))
        yield f"marks, {name}", drill, {"d.verdict": verdict}
        drill.head["judged"] = [judged("gateway", "rto", 30.0)]
        yield f"marks, not judged, {name}", drill, {"d.verdict": "met"}

    unread = small(head={"streams": [stream(), stream("marks", "marks", dataset="strategies")]})
    unread.head["judged"] = [judged("strategies", "rpo", 60.0, "marks")]
    unread.more = [event("restored", small().f1 + MS, dataset="strategies")]
    yield "marks, restored and never read", unread, INCONCLUSIVE


def _marks_read(ns: int) -> list[dict[str, object]]:
    rows = [[number, sha256_of(number, "marks")] for number in range(20)]
    last = {"kind": "readback", "ns": ns, "stream": "marks", "count": 20, "end": True, "address": None}
    return [{"kind": "read", "ns": ns, "stream": "marks", "rows": rows}, {**last, "error": None}]


def _read() -> Iterator[Planted]:
    """What is read back has to come from a server that clients were served by since the recovery."""
    why = "it was read at old, which served no client since the recovery"
    for address, counts in (("dr", True), (None, True), ("old", False)):
        said = {
            "m.recovery_points[0].reading_complete": counts,
            "m.reading_problems": {} if counts else {"orders": why},
        }
        yield f"read at {address}", addressed(small(reading={"address": address})), said
    unnamed = addressed(small(reading={"address": "old"}))
    unnamed.instead[40] = {"address": None}
    yield "read at old, one answer unnamed", unnamed, {"m.reading_problems": {}}
    by_old = addressed(small(reading={"address": "old"}))
    by_old.instead[31] = {"address": "old"}
    yield "read at old, which answered b", by_old, {"m.reading_problems": {}}
    refused = addressed(small(reading={"address": "old"}))
    refused.instead[45] = {**FAILED, "address": "old"}
    yield "read at old, which refused", refused, {"m.reading_problems": {"orders": why}}
    late = addressed(small(reading={"address": "old"}))
    late.instead[30] = {"address": "old", "took": 30 * MS}
    yield "read at old, which answered late", late, {"m.reading_problems": {"orders": why}}
    never = addressed(small(reading={"address": "old"}, after_ns=90 * MS))
    yield "read at old, never stable", never, {"m.reading_problems": {}}
    cut = addressed(small(reading={"address": "old", "end": False}))
    yield "read at old, and in part", cut, {"m.reading_problems": {"orders": "the reading has no end marker"}}


def _fine() -> Iterator[Planted]:
    """An rpo that is finer than what was at risk is not met; one of 0 s asks that nothing is lost."""
    for rpo, verdict in ((0.002, "met"), (0.001999999, "inconclusive"), (0.0, "met")):
        yield (
            f"rpo {rpo}, the newest 2 ms old",
            small(head={"judged": [judged("orders", "rpo", rpo)]}),
            {"d.judgements[0].verdict": verdict},
        )
    twice = small(unexpected={10**6}, head={"judged": [judged("orders", "rpo", 60.0)]})
    twice.reading = {"rows": [*twice.rows(), (10**6, sha256_of(10**6))]}
    said = {"m.recovery_points[0].duplicated": (), "m.recovery_points[0].unexpected": (10**6,)}
    yield "unexpected, and twice", twice, {**said, **INCONCLUSIVE}
