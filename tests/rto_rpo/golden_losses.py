"""Golden cases of what was lost, and of what should not be there."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rto_rpo.golden_drill import UNKNOWN, Fields, Planted, small
from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    S,
    drill_of,
    end,
    event,
    intents,
    judged,
    operation,
    reading,
    sha256_of,
    stream,
)


def lost() -> Iterator[Planted]:
    yield "lost", small(lost={17, 18}), {"[w.payload for w in m.recovery_points[0].lost][1]": sha256_of(18)}
    yield "first lost", small(lost={0}), {}
    yield "lost as the fault began", small(lost={20}, instead={20: {"took": 3 * MS}}), {}
    yield "lost after f0", small(lost={20}, instead={20: {"took": 4 * MS}}), {}
    for number in (31, 32):
        rpo = {"judged": [judged("orders", "rpo", 60.0)]}
        yield f"lost {number}", small(lost={number}, head=rpo), {}
    for limit in (0.037, 0.036999999, 0.022, 0.021999999):
        yield f"rpo {limit}", small(lost={18, 19}, head={"judged": [judged("orders", "rpo", limit)]}), {}
    lenient = {"judged": [judged("orders", "rpo", 60.0)]}
    yield from _idle()
    yield "corrupt", small(corrupt={5}, head=lenient), {"d.verdict": "missed"}
    yield "duplicated", small(duplicated={5}, head=lenient), {"d.verdict": "missed"}
    yield "unexpected", small(unexpected={999}, head=lenient), {"d.verdict": "inconclusive"}
    rows = small().rows()
    yield "phantom", small(reading={"rows": [*rows, (25, sha256_of(25))]}), {"d.verdict": "inconclusive"}
    yield "resurrected", small(deleted={5: "acknowledged"}, reading={"rows": rows}), {"d.verdict": "missed"}
    yield "maybe deleted", small(deleted={5: "indeterminate"}, reading={"rows": rows}), {"d.verdict": "met"}
    for outcome in ("acknowledged", "indeterminate", "failed"):
        yield f"delete {outcome}, gone", small(deleted={5: outcome}, lost={5}), {}
    yield "indeterminate", small(instead={25: UNKNOWN}), {"d.verdict": "met"}
    yield "nothing at risk", small(instead=dict.fromkeys(range(21), UNKNOWN)), {}
    delete = intents(5, 1, T0 + 190 * MS + 1, act="delete")
    yield (
        "delete unsettled, gone",
        small(lost={5}, more=[delete], head=lenient),
        {"d.verdict": "inconclusive"},
    )
    there = {"d.judgements[-1].verdict": "met", "d.verdict": "inconclusive"}
    yield "delete unsettled, there", small(more=[delete], head=lenient), there
    for how in ({"end": False}, {"count": None}, {"count": 1}, {"error": "reset"}):
        yield (
            f"reading {how}",
            small(lost={5}, reading=how, head=lenient),
            {"d.judgements[0].reason[:26]": "the reading does not count"},
        )
    over = small().over
    first, last = reading([(0, sha256_of(0))], small().over - S)
    middle = operation(900, T0 + 5 * S, completed_ns=small().over - S)
    settling = [intents(900, 1, T0 + 5 * S), first, middle, {**last, "count": 1}]
    yield (
        "settling while read",
        small(more=settling, without={"reading"}),
        {"d.judgements[1].verdict": "inconclusive"},
    )
    for there in ((), (0,), (1, 2)):
        yield f"marks {there} of 3 back", _marks(there), {}
    for newest, verdict in (
        (20 * MS, "met"),
        (20 * MS + 1, "inconclusive"),
    ):  # two intervals before the fault
        idle = _marks((0, 1, 2), small().f0 - newest - 20 * MS - MS, rpo=0.0)
        yield f"marks idle for {newest}", idle, {"d.judgements[0].verdict": verdict}
    yield "reads alone", _reads(), {"m.recovery_points": ()}
    late = [intents(900, 1, T0 + 9 * S), operation(900, T0 + 9 * S, completed_ns=over + 1), end(over + 2)]
    yield "settled after reading", small(more=late, end_reason=None), {}


def _idle() -> Iterator[Planted]:
    """Nothing was acknowledged right before the fault: for longer than a turn (40 ms), or than the rpo."""

    def idle(rpo: float, newest: int, took: int) -> PlantedDrill:
        unanswered = dict.fromkeys(range(newest + 1, 21), UNKNOWN)
        return small(
            head={"judged": [judged("orders", "rpo", rpo)]}, instead={newest: {"took": took}, **unanswered}
        )

    for took, verdict in ((3 * MS, "met"), (3 * MS - 1, "inconclusive")):
        said = {"d.judgements[0].verdict": verdict}
        yield f"idle for a turn, {took}", idle(0.0, 16, took), {**said, "d.verdict": verdict}
        yield f"unwell for a turn, {took}", idle(60.0, 16, took), {"d.verdict": verdict}
        yield f"idle for the rpo, {took}", idle(0.06, 14, took), {**said, "d.verdict": "inconclusive"}
    lost = idle(0.05, 14, 3 * MS)
    lost.lost = {13}  # between its bounds
    yield "idle, and one was lost", lost, {"d.judgements[0].verdict": "missed"}
    for took, verdict in ((3 * MS, "met"), (3 * MS + 1, "inconclusive")):
        answered = idle(60.0, 14, MS)
        answered.instead[20] = {"took": took}
        yield f"served as the fault began, {took}", answered, {"d.verdict": verdict}
    nobodys = idle(60.0, 14, MS)
    nobodys.head["drill"] = drill_of("none")
    yield "unwell before nobody's fault", nobodys, {"d.verdict": "met"}
    more = stream("more", dataset="ticks", service="ticker")
    yield "unwell, and not judged", small(head={"streams": [stream(), more]}), {"d.verdict": "met"}
    for took, verdict in ((20 * MS, "met"), (20 * MS + 1, "inconclusive")):
        yield f"late before the fault, {took}", idle(60.0, 15, took), {"d.verdict": verdict}


def _marks(there: tuple[int, ...], begin: int = T0 + 50 * MS, rpo: float = 60.0) -> PlantedDrill:
    """Three marks in a dataset that was restored, from `begin` on; those `there` came back."""
    stream_of_marks = stream("marks", "marks", dataset="strategies", service=None, address=None)
    drill = small(
        head={
            "streams": [stream(), stream_of_marks],
            "judged": [judged("strategies", "rpo", rpo, "marks")],
        }
    )
    dues = [begin + 10 * MS * number for number in range(3)]
    drill.more = [
        intents(0, 3, dues[0], 10 * MS, stream="marks"),
        *(operation(number, due, stream="marks") for number, due in enumerate(dues)),
        event("restored", drill.f1 + 50 * MS, dataset="strategies"),
        *reading([(number, sha256_of(number, "marks")) for number in there], drill.over, "marks"),
    ]
    return drill


def _reads() -> PlantedDrill:
    """Clients that only read, one of the reads with a payload that nobody asked for."""
    drill = small(head={"judged": [judged("gateway", "rto", 30.0)]}, without={"reading"})
    records = [{**each, "act": "read"} if "act" in each else each for each in drill.records()]
    drill.records = lambda: [_without(each, "payload") if each.get("number") else each for each in records]  # type: ignore[method-assign]
    return drill


def _without(record: Fields, name: str) -> Fields:
    return {key: value for key, value in record.items() if key != name}
