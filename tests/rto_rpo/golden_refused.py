"""Golden cases of what shows that the old primary refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.rto_rpo.golden_drill import FAILED, NO, UNKNOWN, Fields, Planted, addressed, small, worked
from tests.rto_rpo.ledgers import MS, PlantedDrill, event, intents, operation, stream

SAID: Final = "m.split_brain[0].reason"
B: Final = 31  # the first write of clients that is acknowledged again; it took 1 ms
LATER: Final = 50 * MS
INTERVAL = 100 * MS


def refused() -> Iterator[Planted]:
    yield from _bybecause()
    yield from _by_a_fence()
    yield from _while_gone()
    yield from _that_worked()
    yield from _around_b()


def is_(verdict: str, told: str = "") -> Fields:
    return {"m.split_brain[0].verdict": verdict, f"{told!r} in {SAID}": True}


def asked(*writes: tuple[int, Fields], before_ns: int = 5 * MS) -> PlantedDrill:
    """Writes to the old primary, each sent so many ns after b was; it took one right before the fault."""
    drill = small(head={"streams": [stream(), stream("old", "old_primary", interval_ns=INTERVAL)]})
    for number, (more, answer) in enumerate(writes):
        due = drill.due(B) + more
        drill.more += [intents(number, 1, due, stream="old"), operation(number, due, stream="old", **answer)]
    drill.more += worked(drill, before_ns)
    return addressed(drill)


def because(cause: str) -> Fields:
    return {"outcome": "failed", "cause": cause}


def _bybecause() -> Iterator[Planted]:
    """The server itself has to say no. A closed port counts where it does so later on."""
    for cause in ("25006", "42501", "denied"):
        yield f"refused by {cause}", asked((LATER, because(cause))), is_("met")
    for cause in ("refused", "turned away", "rejected", "unreachable", "unconnected", "local", ""):
        told = (
            f"1 of 1 writes to the old primary failed without its server's refusal ({cause or 'no cause'}: 1)"
        )
        yield f"failed by {cause!r}", asked((LATER, because(cause))), is_("inconclusive", told)
    for cause, verdict in (
        ("refused", "met"),
        ("turned away", "met"),
        ("rejected", "inconclusive"),
        ("not done", "inconclusive"),
        ("unreachable", "inconclusive"),
    ):
        yield (
            f"port {cause}, then refused",
            asked((LATER, because(cause)), (LATER + MS, NO)),
            is_(verdict),
        )
        at_once = asked((LATER, because(cause)), (LATER, NO))
        yield f"port {cause} as it refused", at_once, is_(verdict)
        yield (
            f"refused, then port {cause}",
            asked((LATER, NO), (LATER + 1, because(cause))),
            is_("inconclusive"),
        )
    told = "2 of 3 writes to the old primary failed without its server's refusal (local: 1, refused: 1)"
    both = asked((LATER, NO), (LATER + 1, because("refused")), (LATER + 2, because("local")))
    yield "refused, then silent in two ways", both, is_("inconclusive", told)
    crossed = asked((LATER, {**NO, "took": 20 * MS}), (LATER + MS, NO), (LATER + MS, because("refused")))
    yield "refusals that cross", crossed, is_("met")
    for more, verdict in ((101 * MS, "met"), (100 * MS, "inconclusive")):  # stable from b, for 100 ms
        late = asked((LATER, NO), (more, because("unreachable")))
        yield f"unreachable once it was stable, {more}", late, is_(verdict)
    early = asked((MS, because("unreachable")), (LATER, NO))
    yield "unreachable as b arrived", early, is_("met")
    early = asked((MS + 1, because("unreachable")), (LATER, NO))
    yield "unreachable once b had arrived", early, is_("inconclusive")
    for back, verdict in ((0, "met"), (1, "inconclusive")):
        closed = asked((LATER - 10 * MS, NO), (LATER, because("refused")), *_refusals())
        closed.more += _revived(closed, LATER + back)
        told = "1 of 2 writes to the old primary failed without its server's refusal" if back else ""
        yield f"closed as it was brought back, {back}", closed, is_(verdict, told)


def _refusals() -> list[tuple[int, Fields]]:
    """For longer than a revived server has to be heard to refuse."""
    return [(LATER + (1 + each) * 10 * MS, NO) for each in range(13)]


def _revived(drill: PlantedDrill, more: int) -> list[Fields]:
    at = drill.due(B) + more
    return [event("revival_begin", at), event("old_primary_revived", at)]


def _by_a_fence() -> Iterator[Planted]:
    """From a fence on that is proven nobody is there to take a write; a person's word proves none."""
    for at, proof, verdict in (
        (LATER, {"proof": "power off"}, "met"),
        (LATER + 1, {"proof": "power off"}, "inconclusive"),
        (0, {"proof": "own fence"}, "met"),
        (0, {"proof": "own fence, power off"}, "met"),
        (0, {"proof": "gone"}, "inconclusive"),
        (0, {"proof": "refused"}, "inconclusive"),
        (0, {"proof": "own fence, refused"}, "inconclusive"),
        (0, {"proof": "lease"}, "inconclusive"),
        (0, {"proof": None}, "inconclusive"),
        (0, {"proof": ""}, "inconclusive"),
        (0, {"proof": ["power off"]}, "inconclusive"),
        (0, {"proof": "operator"}, "inconclusive"),
        (0, {}, "inconclusive"),
    ):
        drill = asked((LATER, because("unreachable")))
        drill.more.append(event("fenced", drill.due(B) + at, site="primary", **proof))
        yield f"fenced at {at} by {proof}", drill, is_(verdict)
    twice = asked((LATER, FAILED))
    twice.more.append(event("fenced", twice.due(B) + 1, site="primary", proof="operator"))
    twice.more.append(event("fenced", twice.due(B) + 2, site="primary", proof="power off"))
    yield "fenced by a person, then by proof", twice, is_("met")
    for site, of, verdict in (
        ("primary", "primary", "met"),
        ("dr", "primary", "inconclusive"),
        ("dr", None, "met"),
    ):
        drill = asked((LATER, because("unreachable")))
        drill.head["streams"][1] |= {"site": of} if of else {}
        drill.more.append(event("fenced", drill.due(B), site=site, proof="power off"))
        yield f"fenced at {site}, the old primary at {of}", drill, is_(verdict)
        drill = asked((LATER, because("unreachable")))
        drill.head["streams"][1] |= {"site": of} if of else {}
        drill.more.append(event("fenced", drill.due(B), site=site, proof="gone"))
        drill.more.append(event("old_primary_gone", drill.due(B) + LATER + MS, site=site))
        yield f"gone at {site}, the old primary at {of}", drill, is_(verdict)
    leased = asked((LATER, because("unreachable")))
    leased.more.append(event("fenced", leased.due(B), site="primary", proof="lease"))
    leased.more.append(event("old_primary_gone", leased.due(B) + LATER + MS, site="primary"))
    yield "fenced by a lease, and gone at last", leased, is_("inconclusive")
    unnamed = asked((LATER, because("unreachable")))
    unnamed.head["streams"][1] |= {"site": "primary"}
    unnamed.more.append(event("fenced", unnamed.due(B), proof="power off"))
    yield "fenced nowhere in particular", unnamed, is_("met")
    unknown = asked((LATER, UNKNOWN))
    unknown.more.append(event("fenced", unknown.due(B), site="primary", proof="gone"))
    yield "fenced, and never answered", unknown, is_("inconclusive")
    taken = asked((LATER, {}))
    taken.more.append(event("fenced", taken.due(B), site="primary", proof="gone"))
    yield "fenced, and taken", taken, is_("missed")


def _while_gone() -> Iterator[Planted]:
    """Between two proofs that nothing of it runs."""
    for first, last, verdict in (
        (LATER, LATER + MS, "met"),
        (LATER + 1, LATER + MS, "inconclusive"),
        (LATER, LATER + MS - 1, "inconclusive"),
    ):
        drill = asked((LATER, because("refused")))
        drill.more += [event("old_primary_gone", drill.due(B) + at) for at in (first, LATER + 5, last)]
        yield f"gone from {first} to {last}", drill, is_(verdict)
    for cause in ("25006", "turned away", "rejected"):
        drill = asked((LATER, because(cause)), (LATER + 10 * MS, NO))
        drill.more += [event("old_primary_gone", drill.due(B) + at) for at in (0, LATER + MS)]
        yield (
            f"answered by {cause} while gone",
            drill,
            is_("inconclusive", f"its server answered ({cause})"),
        )
    once = asked((LATER, because("refused")))
    once.more.append(event("old_primary_gone", once.due(B)))
    yield "gone, proven once", once, is_("inconclusive")
    for first, took, verdict in ((0, MS, "inconclusive"), (1, MS, "met"), (0, MS + 1, "met")):
        drill = asked((-LATER, {"took": took}), (LATER, NO))
        at = drill.due(B) - LATER
        drill.more += [event("old_primary_gone", at + first), event("old_primary_gone", at + MS)]
        told = "acknowledged 1 writes while it was proven to be gone" if verdict == "inconclusive" else ""
        yield f"taken while gone, {first} {took}", drill, is_(verdict, told)
    back = asked((LATER, because("refused")), *_refusals())
    back.more += _revived(back, LATER + 5 * MS)
    back.more += [event("old_primary_gone", back.due(B) + at) for at in (MS, LATER + 5 * MS)]
    before = asked((LATER, because("refused")), *_refusals())
    before.more += _revived(before, LATER + 5 * MS)
    before.more += [event("old_primary_gone", before.due(B) + at) for at in (MS, LATER + MS)]
    yield "gone until it was brought back", before, is_("met")
    told = "1 of 1 writes to the old primary failed without its server's refusal"
    yield "gone once, and again once it was brought back", back, is_("inconclusive", told)


def _around_b() -> Iterator[Planted]:
    """A gap counts from the last write before the new side answered; one may be still unanswered then."""
    for last, verdict in ((910, "met"), (900, "inconclusive")):
        drill = asked((10 * MS, NO), (LATER, NO))
        drill.more = [each for each in drill.more if each.get("number", each.get("first")) <= last]
        yield f"asked up to {last}, and once b had arrived", drill, is_(verdict)
    slow = asked((-90 * MS, {**NO, "took": 95 * MS}), (15 * MS, NO))
    slow.more = [each for each in slow.more if each.get("number", each.get("first")) < 910]
    yield "asked in time, and one was slow", slow, is_("met")


def _that_worked() -> Iterator[Planted]:
    """Its address has to have taken a write in the turn before the fault."""
    turn = INTERVAL + 30 * MS
    for before, verdict in ((turn + MS, "met"), (turn + MS + 1, "inconclusive")):
        told = "" if verdict == "met" else "so nothing shows that it worked"
        yield (
            f"it took a write {before} before",
            asked((LATER, NO), before_ns=before),
            is_(verdict, told),
        )
    for outcome in (NO, UNKNOWN):
        never = asked((LATER, NO))
        next(each for each in never.more if each.get("number") == 900).update(outcome)
        yield (
            f"it took no write before, {outcome['cause']}",
            never,
            is_("inconclusive", "acknowledged nothing"),
        )
    since = asked((-LATER, {}), (LATER, NO), before_ns=2 * turn)
    yield "it took a write since the fault", since, is_("met")
    for at, count in ((0, 1), (-1, 0)):
        drill = asked((LATER, NO))
        sent = drill.f0 + at
        drill.more = [each for each in drill.more if each.get("number", each.get("first")) < 901]
        drill.more.append(intents(950, 1, sent, stream="old", ns=sent))
        drill.more.append(operation(950, sent, stream="old", **UNKNOWN))
        for number in (29, 30, 31):
            due = drill.due(number)
            drill.more.append(intents(930 + number, 1, due, stream="old", ns=due))
            drill.more.append(operation(930 + number, due, stream="old", **NO))
        told = "never answered of those sent before: 1"
        yield f"never answered, sent {at} after f0", drill, {f"{told!r} in {SAID}": bool(count)}
