"""Golden cases of how a run went: events, checks, the old primary, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rto_rpo.golden_drill import FAILED, FAULT, NO, UNKNOWN, Fields, Planted, addressed, small, worked
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

ORDERS = [
    ["healed", "fault_begin"],
    ["frozen", "frozen"],
    ["fault_end"],
    ["safe"],
    ["promoted"],
    ["fault_begin", "frozen"],
    ["frozen", "steady"],
]
DETAILS = {"frozen": {"late_ns": 20 * MS}}


def told() -> Iterator[Planted]:
    f0, f1 = small().f0, small().f1
    phases = [
        event("detected", f1 + 10 * MS),
        event("decide_waiting", f1 + 20 * MS),
        event("decided", f1 + 30 * MS),
    ]
    phases += [
        event("fenced", f1 + 40 * MS),
        event("redirected", f1 + 50 * MS, service="engine"),
        event("restored", f1 + 35 * MS, dataset="ticks"),
        event("fenced", f1 + 60 * MS),
    ]
    yield (
        "phases",
        small(more=phases),
        {
            "[(p.name, p.seconds, p.merged) for p in m.recovery_times[0].phases]": [
                ("detect", 0.015, ()),
                ("decide", 0.01, ()),
                ("approve", 0.01, ()),
                ("fence", 0.01, ()),
                ("first acknowledgement", 0.063, ("restore", "promote", "start", "redirect")),
            ]
        },
    )
    yield from _people_waited_for(f1)
    yield (
        "phases in part",
        small(more=[event("fenced", f0), event("started", f0 + 110 * MS)]),
        {
            "[(p.name, p.seconds) for p in m.recovery_times[0].phases]": [
                ("fence", 0.0),
                ("first acknowledgement", 0.108),
            ]
        },
    )
    yield (
        "safe",
        small(more=[event("safe", f0 + 150 * MS)]),
        {"(m.safe.reached, m.safe.lower_seconds, m.safe.upper_seconds)": (True, 0.092, 0.15)},
    )
    yield "safe at once", small(more=[event("safe", f0 + 5 * MS)]), {"m.safe.upper_seconds": 0.108}
    old = [stream(), stream("old", "old_primary", interval_ns=S)]
    for fault, respond, streams, count in (
        ("kill_site", "runbook", [stream()], 1),
        ("kill_site", "runbook", old, 0),
        ("kill_site", "observe", [stream()], 0),
        ("none", "runbook", [stream()], 0),
    ):
        head = {"drill": drill_of(fault, respond=respond), "streams": streams}
        said = {"sum(reason.startswith('one writer: not tested') for reason in d.reasons)": count}
        yield f"one writer, {fault} {respond} {len(streams)}", small(head=head), said
    anchor = {"kind": "anchor", "ns": f1, "utc": "2026-11-22T06:00:00Z"}
    yield "an anchor amid it", small(more=[anchor]), {"d.verdict": "met"}
    gate = {"drill": drill_of("kill_site", gate=True)}
    yield "gate", small(head=gate), {"d.verdict": "inconclusive", "m.safe.reached": False}
    for reason in ("aborted", "orphaned", "deadline"):
        yield reason, small(end_reason=reason), {"m.end_reason": reason, "d.verdict": "inconclusive"}
    yield (
        "aborted event",
        small(more=[event("aborted", f1, reason="a guard")], lost={5}),
        {"d.verdict": "missed"},
    )
    for gone, void in (
        (FAULT, "the fault was never begun"),
        ({"fault_end"}, "the fault call never returned"),
        ({"fault_effective"}, "nothing shows that the fault took effect"),
    ):
        yield f"without {len(gone)} {min(gone)}", small(without=gone, lost={32}), {"m.void": void}
    ineffective = event("fault_effective", f1, holds=False, how="looked")
    yield (
        "ineffective",
        small(without={"fault_effective"}, more=[ineffective]),
        {"d.verdict": "inconclusive"},
    )
    yield "twice effective", small(more=[ineffective]), {"d.verdict": "inconclusive"}
    effective = event("fault_effective", f1 + 1, holds=True, how="looked")
    yield (
        "effective at last",
        small(without={"fault_effective"}, more=[ineffective, effective]),
        {"m.fault_effective": False},
    )
    for verdict in ("met", "missed", "inconclusive"):
        check = event("check", f1, name="gate", verdict=verdict, reason="so")
        yield (
            f"check {verdict}",
            small(more=[check]),
            {"d.verdict": verdict, "d.reasons[-1]": "check gate: so"},
        )
    yield "unjudged", small(head={"judged": []}), {"d.verdict": "inconclusive"}
    yield (
        "unmeasured",
        small(head={"judged": [judged("engine", "rto", 9.0, None)]}),
        {"d.verdict": "inconclusive"},
    )
    yield (
        "counted",
        small(instead={5: {"lag": 3 * MS}}, more=[stall(T0, T0 + MS)]),
        {
            "(m.lag.sent_max_seconds, m.lag.sent_p50_seconds, m.lag.stall_max_seconds)": (
                0.003,
                1.023e-06,
                0.001,
            ),
            "m.counts['operations']": 55,
            "m.counts['failed']": 10,
            "round(m.recovery_points[0].loss_rate_bound * 45, 9)": 3.0,
            "d.reasons[0]": "gateway rto: upper bound 0.108 s is within 30 s",
        },
    )
    for more in (MS, MS + 1):
        yield f"split brain {more}", _split(more, {}), {}
    yield "split brain refused", _split(50 * MS, NO), {"d.verdict": "met"}
    yield from _asked()
    yield from _seldom_asked()
    yield "split brain of other clients", _two_clients("ticks"), {"m.split_brain[0].after": ()}
    yield "split brain of both clients", _two_clients("orders"), {"m.split_brain[0].after": (0,)}
    yield (
        "split brain of none of the clients",
        _two_clients("orders", "none"),
        {"m.split_brain[0].after": (), "m.split_brain[0].verdict": "inconclusive"},
    )
    yield "split brain, flapping", _flapping(), {"m.split_brain[0].after": (0,)}
    yield "split brain, same address", _flapping(dr={5}), {"m.split_brain[0].after": ()}
    for took in (MS - 1, MS):
        yield f"overlapping {took}", _split(-MS, {"took": took}), {"d.verdict": "inconclusive"}


def _people_waited_for(f1: int) -> Iterator[Planted]:
    """Questions amid the runbook, at the edges: asked twice, side by side, one after the other."""

    def waited(name: str, at: int, question: str) -> dict[str, Any]:
        return event(name, f1 + at * MS, question=question)

    def phases(*expected: tuple[str, float, tuple[str, ...]]) -> dict[str, Any]:
        return {"[(p.name, p.seconds, p.merged) for p in m.recovery_times[0].phases]": list(expected)}

    yield (
        "people are waited for amid the runbook",
        small(
            more=[
                event("fenced", f1 + 20 * MS),
                waited("asked", 20, "go"),
                waited("answered", 22, "another"),
                event("promoted", f1 + 25 * MS),
                waited("asked", 30, "go"),
                event("started", f1 + 40 * MS),
                waited("answered", 40, "go"),
            ]
        ),
        phases(
            ("fence", 0.025, ("detect", "decide")),
            ("until asked: go", 0.0, ()),
            ("people: go", 0.02, ("restore", "promote", "start")),
            ("first acknowledgement", 0.063, ("redirect",)),
        ),
    )
    yield (
        "two people are waited for at once",
        small(
            more=[
                waited("asked", 10, "a"),
                waited("asked", 12, "b"),
                waited("answered", 15, "b"),
                waited("answered", 20, "a"),
                waited("asked", 20, "c"),
                waited("answered", 30, "c"),
                waited("asked", 31, "d"),
                event("fenced", f1 + 32 * MS),
                waited("answered", 33, "d"),
            ]
        ),
        phases(
            ("until asked: a, b, c", 0.015, ()),
            ("people: a, b, c", 0.02, ()),
            ("until asked: d", 0.001, ()),
            ("people: d", 0.002, ("detect", "decide", "fence")),
            ("first acknowledgement", 0.07, ("restore", "promote", "start", "redirect")),
        ),
    )


def disordered() -> Iterator[Planted]:
    """Events that cannot be: the judge says so, and holds no number."""
    f0, f1 = small().f0, small().f1
    for names in ORDERS:
        records = [event(name, f1, **DETAILS.get(name, {})) for name in names]
        without = FAULT if names[0] != "healed" else set()
        yield f"order {names}", small(more=records, without=without), {"m.void[:7]": "ledger "}
    backwards = {**stall(f1 + 2, f1 + 1), "ns": f1 + 2}
    yield "backward stall", small(more=[backwards]), {"'out of order' in m.void": True}
    other_late = event("frozen", f0 - 1, late_ns=7)
    begun = small(head={"late_ns": None}, without={"steady"})
    yield "late never frozen", begun, {"'before late was frozen' in m.void": True}
    yield "two lates", small(more=[other_late]), {"'late was frozen at 7 ns' in m.void": True}


def _asked() -> Iterator[Planted]:
    """What the old primary answered, where it was never brought back."""
    never = "the old primary acknowledged none of 1 writes sent once the new side served"
    said = {"m.split_brain[0].reason": f"{never}; after its revival: not tested"}
    yield "never revived", _split(50 * MS, NO), said
    open_end = _split(50 * MS, NO)
    open_end.more.append(intents(1, 1, open_end.due(50), stream="old"))  # once the service was stable
    yield "split brain without an outcome", open_end, {"d.verdict": "inconclusive"}
    overlap = _split(-MS, {"took": MS})
    late = overlap.due(36)
    overlap.more += [intents(1, 1, late, stream="old"), operation(1, late, stream="old", **NO)]
    yield "overlapping, then refused", overlap, {"d.verdict": "inconclusive"}
    for more, verdict in ((MS, "met"), (MS + 1, "inconclusive")):  # b took 1 ms
        unanswered = _split(more, {**UNKNOWN, "took": 60 * MS})
        late = unanswered.due(36)
        unanswered.more += [intents(1, 1, late, stream="old"), operation(1, late, stream="old", **NO)]
        early = unanswered.due(5)  # taken while it was the primary
        unanswered.more.append(intents(2, 2, early, stream="old"))
        unanswered.more += [operation(2 + each, early + each * 10 * MS, stream="old") for each in range(2)]
        told = "'; never answered of those sent before: 1;' in m.split_brain[0].reason"
        said = {"d.verdict": verdict, told: verdict == "met"}
        yield f"never answered, sent {more} after b was", unanswered, said
    yield "split brain unknown", _split(50 * MS, UNKNOWN), {"d.verdict": "inconclusive"}


def _seldom_asked() -> Iterator[Planted]:
    """The window ends 100 ms after b was sent; b took one, and a gap may be half of late (10 ms) longer."""
    for more, interval, verdict in (
        (50 * MS, 10 * MS, "inconclusive"),
        (50 * MS, 40 * MS, "met"),
        (50 * MS, 40 * MS - 1, "inconclusive"),
        (10 * MS, 40 * MS, "inconclusive"),
        (70 * MS, 60 * MS, "met"),
        (70 * MS, 60 * MS - 1, "inconclusive"),
    ):
        drill = _split(more, NO)
        drill.head["streams"][1]["interval_ns"] = interval
        why = "'was not written to all along: ' in m.split_brain[0].reason"
        yield (
            f"split brain, asked {more} of {interval}",
            drill,
            {"d.verdict": verdict, why: verdict != "met"},
        )


def _split(more: int, answer: Fields) -> PlantedDrill:
    """One write to the old primary, sent `more` ns after b was."""
    drill = small(head={"streams": [stream(), stream("old", "old_primary", interval_ns=S)]})
    due = drill.due(31) + more
    drill.more = [intents(0, 1, due, stream="old"), operation(0, due, stream="old", **answer)]
    drill.more += worked(drill)
    return addressed(drill)


def _two_clients(dataset: str, old: str = "orders") -> PlantedDrill:
    """Other clients, that saw no outage, and a write to the old primary before `orders` was served again."""
    drill = _split(-50 * MS, {})
    drill.head["streams"] += [stream("more", dataset=dataset)]
    drill.head["streams"][1]["dataset"] = old
    drill.more.append(intents(0, drill.count, drill.due(0), stream="more"))
    drill.more += [
        operation(number, drill.due(number), stream="more", address="old" if number <= 20 else "dr")
        for number in range(drill.count)
    ]
    return drill


def _flapping(dr: set[int] | None = None) -> PlantedDrill:
    """The new side answers, refuses number 33, and then serves; the old primary took a write in between."""
    drill = _split(15 * MS, {})
    there = set(range(31, drill.count)) | (dr or set())
    drill.instead = {
        n: {"address": "dr" if n in there else "old"} for n in range(drill.count) if not drill.is_down(n)
    }
    drill.instead[33] = FAILED
    return drill
