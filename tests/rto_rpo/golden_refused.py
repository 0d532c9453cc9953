"""Golden cases of what shows that the old primary refused, and of who it was that answered clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.rto_rpo.golden_drill import FAILED, NO, UNKNOWN, Fields, Planted, addressed, nobodys, small, worked
from tests.rto_rpo.ledgers import MS, PlantedDrill, event, intents, operation, stream

SAID = "m.split_brain[0].reason"
B = 31  # the first write of clients that is acknowledged again; it took 1 ms
LATER = 50 * MS
INTERVAL = 100 * MS


def refused() -> Iterator[Planted]:
    yield from _by_cause()
    yield from _by_a_fence()
    yield from _while_gone()
    yield from _that_worked()
    yield from _around_b()
    yield from _by_whom()


def _is(verdict: str, told: str = "") -> Fields:
    return {"m.split_brain[0].verdict": verdict, f"{told!r} in {SAID}": True}


def asked(*writes: tuple[int, Fields], before_ns: int = 5 * MS) -> PlantedDrill:
    """Writes to the old primary, each sent so many ns after b was; it took one right before the fault."""
    drill = small(head={"streams": [stream(), stream("old", "old_primary", interval_ns=INTERVAL)]})
    for number, (more, answer) in enumerate(writes):
        due = drill.due(B) + more
        drill.more += [intents(number, 1, due, stream="old"), operation(number, due, stream="old", **answer)]
    drill.more += worked(drill, before_ns)
    return addressed(drill)


def _cause(cause: str) -> Fields:
    return {"outcome": "failed", "cause": cause}


def _by_cause() -> Iterator[Planted]:
    """The server itself has to say no. A closed port counts where it does so later on."""
    for cause in ("25006", "42501", "denied"):
        yield f"refused by {cause}", asked((LATER, _cause(cause))), _is("met")
    for cause in ("refused", "turned away", "unreachable", "unconnected", "local", ""):
        told = (
            f"1 of 1 writes to the old primary failed without its server's refusal ({cause or 'no cause'}: 1)"
        )
        yield f"failed by {cause!r}", asked((LATER, _cause(cause))), _is("inconclusive", told)
    for cause, verdict in (("refused", "met"), ("turned away", "met"), ("unreachable", "inconclusive")):
        yield f"port {cause}, then refused", asked((LATER, _cause(cause)), (LATER + MS, NO)), _is(verdict)
        at_once = asked((LATER, _cause(cause)), (LATER, NO))
        yield f"port {cause} as it refused", at_once, _is(verdict)
        yield (
            f"refused, then port {cause}",
            asked((LATER, NO), (LATER + 1, _cause(cause))),
            _is("inconclusive"),
        )
    told = "2 of 3 writes to the old primary failed without its server's refusal (local: 1, refused: 1)"
    both = asked((LATER, NO), (LATER + 1, _cause("refused")), (LATER + 2, _cause("local")))
    yield "refused, then silent in two ways", both, _is("inconclusive", told)
    crossed = asked((LATER, {**NO, "took": 20 * MS}), (LATER + MS, NO), (LATER + MS, _cause("refused")))
    yield "refusals that cross", crossed, _is("met")
    for more, verdict in ((101 * MS, "met"), (100 * MS, "inconclusive")):  # stable from b, for 100 ms
        late = asked((LATER, NO), (more, _cause("unreachable")))
        yield f"unreachable once it was stable, {more}", late, _is(verdict)
    early = asked((MS, _cause("unreachable")), (LATER, NO))
    yield "unreachable as b arrived", early, _is("met")
    early = asked((MS + 1, _cause("unreachable")), (LATER, NO))
    yield "unreachable once b had arrived", early, _is("inconclusive")
    for back, verdict in ((0, "met"), (1, "inconclusive")):
        closed = asked((LATER - 10 * MS, NO), (LATER, _cause("refused")), *_refusals())
        closed.more += _revived(closed, LATER + back)
        told = "1 of 2 writes to the old primary failed without its server's refusal" if back else ""
        yield f"closed as it was brought back, {back}", closed, _is(verdict, told)


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
        drill = asked((LATER, _cause("unreachable")))
        drill.more.append(event("fenced", drill.due(B) + at, site="primary", **proof))
        yield f"fenced at {at} by {proof}", drill, _is(verdict)
    twice = asked((LATER, FAILED))
    twice.more.append(event("fenced", twice.due(B) + 1, site="primary", proof="operator"))
    twice.more.append(event("fenced", twice.due(B) + 2, site="primary", proof="power off"))
    yield "fenced by a person, then by proof", twice, _is("met")
    for site, of, verdict in (
        ("primary", "primary", "met"),
        ("dr", "primary", "inconclusive"),
        ("dr", None, "met"),
    ):
        drill = asked((LATER, _cause("unreachable")))
        drill.head["streams"][1] |= {"site": of} if of else {}
        drill.more.append(event("fenced", drill.due(B), site=site, proof="power off"))
        yield f"fenced at {site}, the old primary at {of}", drill, _is(verdict)
        drill = asked((LATER, _cause("unreachable")))
        drill.head["streams"][1] |= {"site": of} if of else {}
        drill.more.append(event("fenced", drill.due(B), site=site, proof="gone"))
        drill.more.append(event("old_primary_gone", drill.due(B) + LATER + MS, site=site))
        yield f"gone at {site}, the old primary at {of}", drill, _is(verdict)
    leased = asked((LATER, _cause("unreachable")))
    leased.more.append(event("fenced", leased.due(B), site="primary", proof="lease"))
    leased.more.append(event("old_primary_gone", leased.due(B) + LATER + MS, site="primary"))
    yield "fenced by a lease, and gone at last", leased, _is("inconclusive")
    unnamed = asked((LATER, _cause("unreachable")))
    unnamed.head["streams"][1] |= {"site": "primary"}
    unnamed.more.append(event("fenced", unnamed.due(B), proof="power off"))
    yield "fenced nowhere in particular", unnamed, _is("met")
    unknown = asked((LATER, UNKNOWN))
    unknown.more.append(event("fenced", unknown.due(B), site="primary", proof="gone"))
    yield "fenced, and never answered", unknown, _is("inconclusive")
    taken = asked((LATER, {}))
    taken.more.append(event("fenced", taken.due(B), site="primary", proof="gone"))
    yield "fenced, and taken", taken, _is("missed")


def _while_gone() -> Iterator[Planted]:
    """Between two proofs that nothing of it runs."""
    for first, last, verdict in (
        (LATER, LATER + MS, "met"),
        (LATER + 1, LATER + MS, "inconclusive"),
        (LATER, LATER + MS - 1, "inconclusive"),
    ):
        drill = asked((LATER, _cause("refused")))
        drill.more += [event("old_primary_gone", drill.due(B) + at) for at in (first, LATER + 5, last)]
        yield f"gone from {first} to {last}", drill, _is(verdict)
    for cause in ("25006", "turned away"):
        drill = asked((LATER, _cause(cause)), (LATER + 10 * MS, NO))
        drill.more += [event("old_primary_gone", drill.due(B) + at) for at in (0, LATER + MS)]
        yield f"answered by {cause} while gone", drill, _is("inconclusive", f"its server answered ({cause})")
    once = asked((LATER, _cause("refused")))
    once.more.append(event("old_primary_gone", once.due(B)))
    yield "gone, proven once", once, _is("inconclusive")
    for first, took, verdict in ((0, MS, "inconclusive"), (1, MS, "met"), (0, MS + 1, "met")):
        drill = asked((-LATER, {"took": took}), (LATER, NO))
        at = drill.due(B) - LATER
        drill.more += [event("old_primary_gone", at + first), event("old_primary_gone", at + MS)]
        told = "acknowledged 1 writes while it was proven to be gone" if verdict == "inconclusive" else ""
        yield f"taken while gone, {first} {took}", drill, _is(verdict, told)
    back = asked((LATER, _cause("refused")), *_refusals())
    back.more += _revived(back, LATER + 5 * MS)
    back.more += [event("old_primary_gone", back.due(B) + at) for at in (MS, LATER + 5 * MS)]
    before = asked((LATER, _cause("refused")), *_refusals())
    before.more += _revived(before, LATER + 5 * MS)
    before.more += [event("old_primary_gone", before.due(B) + at) for at in (MS, LATER + MS)]
    yield "gone until it was brought back", before, _is("met")
    told = "1 of 1 writes to the old primary failed without its server's refusal"
    yield "gone once, and again once it was brought back", back, _is("inconclusive", told)


def _around_b() -> Iterator[Planted]:
    """A gap counts from the last write before the new side answered; one may be still unanswered then."""
    for last, verdict in ((910, "met"), (900, "inconclusive")):
        drill = asked((10 * MS, NO), (LATER, NO))
        drill.more = [each for each in drill.more if each.get("number", each.get("first")) <= last]
        yield f"asked up to {last}, and once b had arrived", drill, _is(verdict)
    slow = asked((-90 * MS, {**NO, "took": 95 * MS}), (15 * MS, NO))
    slow.more = [each for each in slow.more if each.get("number", each.get("first")) < 910]
    yield "asked in time, and one was slow", slow, _is("met")


def _that_worked() -> Iterator[Planted]:
    """Its address has to have taken a write in the turn before the fault."""
    turn = INTERVAL + 30 * MS
    for before, verdict in ((turn + MS, "met"), (turn + MS + 1, "inconclusive")):
        told = "" if verdict == "met" else "so nothing shows that it worked"
        yield f"it took a write {before} before", asked((LATER, NO), before_ns=before), _is(verdict, told)
    for outcome in (NO, UNKNOWN):
        never = asked((LATER, NO))
        next(each for each in never.more if each.get("number") == 900).update(outcome)
        yield (
            f"it took no write before, {outcome['cause']}",
            never,
            _is("inconclusive", "acknowledged nothing"),
        )
    since = asked((-LATER, {}), (LATER, NO), before_ns=2 * turn)
    yield "it took a write since the fault", since, _is("met")
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


def _by_whom() -> Iterator[Planted]:
    """Where no address names the new side nobody knows who answered, unless it was promoted by then."""
    nothing = "nothing names the server that answered clients, and the old primary acknowledged 1 writes"
    for name, address in (("nowhere", None), ("one virtual address", "vip")):
        for more, verdict in ((LATER, "inconclusive"), (-20 * MS, "met")):
            told = nothing if verdict == "inconclusive" else ""
            yield f"answered from {name}, {more}", _unnamed(address, more), _is(verdict, told)
        flapped = _unnamed(address, 15 * MS)
        flapped.instead[33] = FAILED
        yield f"flapped behind {name}", flapped, _is("inconclusive", nothing)
    for at, about, verdict in (
        (0, {}, "missed"),
        (0, {"dataset": "orders"}, "missed"),
        (0, {"dataset": "ticks"}, "inconclusive"),
        (1, {}, "inconclusive"),
    ):
        drill = _unnamed("vip", LATER)
        drill.more.append(event("promoted", drill.due(B) + at, **about))
        yield f"promoted {at} after b of {about}", drill, _is(verdict)
    for at in (0, 10 * MS):  # the new side answers 31 and 32, and b is 34
        drill = _unnamed("vip", 15 * MS)
        drill.instead[33] = FAILED
        drill.more.append(event("promoted", drill.due(B) + at))
        drill.more.append(event("promoted", drill.due(B) + 25 * MS))
        yield f"promoted {at} after the first answer, flapped", drill, {"m.split_brain[0].overlapping": (0,)}
    dying = _unnamed("vip", -92 * MS)  # 18 ms after f0, in a fault that takes 20 ms to strike
    dying.fault_ns = 20 * MS
    dying.instead[21] = {"address": "vip"}
    yield "answered while the fault struck", dying, _is("met")
    others = _unnamed("vip", LATER)
    others.head["streams"].append(stream("more"))
    others.more += [intents(0, others.count, others.due(0), stream="more")]
    others.more += [
        operation(number, others.due(number), stream="more", address="old" if number <= 40 else "dr")
        for number in range(others.count)
    ]
    yield "named to others, later", others, _is("inconclusive", "overlap the new side's first")
    lost = asked((LATER, NO))
    lost.head["streams"].append(stream("more"))
    lost.more += [intents(0, lost.count, lost.due(0), stream="more")]
    for number in range(lost.count):
        gone = FAILED if lost.due(number) >= lost.f0 else {}
        lost.more.append(operation(number, lost.due(number), stream="more", **gone))
    yield "others never served again", lost, _is("met")
    yield from _cascades()
    yield from _names()
    own = _unnamed("vip", LATER)
    own.head |= {"drill": nobodys().head["drill"]}
    own.without = {"fault_begin", "fault_end", "fault_effective"}
    yield "nobody's, behind one address", own, _is("inconclusive", nothing)
    for number, verdict in ((20, "met"), (21, "inconclusive")):
        drill = _unnamed("vip", -100 * MS + 2 * MS)  # 2 ms after 21 was due
        drill.head |= {"drill": nobodys().head["drill"]}
        drill.without = {"fault_begin", "fault_end", "fault_effective"}
        drill.instead |= {20: FAILED, 21: {"address": "vip"}} if number == 21 else {21: FAILED}
        yield f"nobody's, {number} bad, and one taken", drill, _is(verdict)


def _cascades() -> Iterator[Planted]:
    """Any name that is new since the fault is a new side, whoever answered b, and b need not be."""
    for act, taken in (("write", (0,)), ("read", ())):
        drill = asked((-60 * MS, {"address": "old"}), (LATER, NO))
        drill.more += [
            intents(0, 1, drill.due(24), act="read"),
            operation(0, drill.due(24), act="read", address="c"),
        ]
        if act == "write":
            drill.instead[24] = {"address": "c"}
        yield f"another answered a {act} before b", drill, {"m.split_brain[0].after": taken}
    others = asked((-60 * MS, {"address": "old"}), (LATER, NO))
    others.head["streams"].append(stream("more"))
    others.more += [intents(0, others.count, others.due(0), stream="more")]
    for number in range(others.count):
        name = {"address": "old" if number <= 20 else "dr"}
        gone = FAILED if number > 24 and number % 5 else name  # never stable
        others.more.append(operation(number, others.due(number), stream="more", **gone))
    yield "others were served before, and never stable", others, {"m.split_brain[0].after": (0,)}
    late = asked((LATER, _cause("unreachable")), (160 * MS, _cause("unreachable")))
    late.outage_ns = 0
    for number in range(late.count):
        late.instead[number] = {"address": "old" if late.due(number) < late.due(B) + 30 * MS else "dr"}
    yield "the new side came once the service was stable", late, _is("inconclusive")
    seldom = asked((101 * MS, NO))
    seldom.head["streams"][1]["interval_ns"] = 200 * MS
    yield (
        "asked once it was stable alone",
        seldom,
        _is("inconclusive", "nothing was sent to the old primary from then"),
    )
    renamed = asked((LATER, {"address": "old"}), (LATER + MS, NO))
    for number in range(renamed.count):
        if not renamed.is_down(number):
            renamed.instead[number] = {"address": "proxy" if number <= 20 else "dr"}
    yield "clients knew the old primary by another name", renamed, _is("inconclusive", "nothing names")


def _names() -> Iterator[Planted]:
    """A name tells a server apart where clients knew the old primary by its own, before the fault."""
    nothing = "nothing names the server that answered clients"

    def known_as(name: str | None, **others: Any) -> PlantedDrill:
        drill = asked((LATER, {"address": "old"}), (LATER + MS, NO), **others)
        for number in range(21):
            drill.instead[number] = {"address": name}
        return drill

    later = known_as("proxy")
    later.instead[31] = {"address": "old"}
    yield "clients knew it since the fault alone", later, _is("inconclusive", nothing)
    at_last = known_as("proxy")
    at_last.instead[20] = {"address": "old", "took": 3 * MS}
    yield "clients knew it as the fault began", at_last, _is("inconclusive", nothing)
    refused = known_as(None)
    refused.instead[5] = {**FAILED, "address": "old"}
    yield "clients were refused by it before", refused, _is("inconclusive", nothing)
    itself = asked((LATER, {"address": "old"}), (LATER + MS, NO), before_ns=MS)
    yield "it named itself as the fault began", itself, _is("inconclusive", nothing)
    moved = asked((LATER, {"address": "dr"}), (LATER + MS, NO))
    yield "it named itself otherwise later", moved, _is("missed")
    serving = asked((LATER, NO))
    for number in range(serving.count):
        if not serving.is_down(number):
            serving.instead[number] = {"address": "old"}
    serving.instead[3] = {"address": "other"}
    serving.instead[29] = {"address": "other", "took": serving.due(31) + MS - serving.due(29)}
    yield (
        "it serves on, and another answers as b arrives",
        serving,
        _is("inconclusive", "that a new side served"),
    )
    both = asked((LATER, NO))
    both.instead |= {number: {"address": "old"} for number in range(31, both.count)}
    both.instead[3] = {"address": "other"}
    read = {"act": "read", "address": "other"}
    both.more += [intents(0, 1, both.due(31), act="read"), operation(0, both.due(31), **read)]
    yield "it and another answered b", both, _is("met")
    silent = asked((LATER, {"address": "old"}), (LATER + MS, NO))
    silent.more += [intents(890, 1, silent.f0 - 9 * MS, stream="old", ns=silent.f0 - 9 * MS)]
    silent.more += [operation(890, silent.f0 - 9 * MS, stream="old")]
    for number in range(31, silent.count):
        silent.instead[number] = {"address": None if number == 31 else "old"}
    yield "b named nobody, and nor did it once", silent, _is("inconclusive", nothing)


def _unnamed(address: str | None, more: int) -> PlantedDrill:
    """Clients are answered from `address` all along, and the old primary takes one more write."""
    drill = asked((more, {"address": "old"}), (LATER + MS, NO))
    for number in range(drill.count):
        if not drill.is_down(number):
            drill.instead[number] = {"address": address}
    return drill
