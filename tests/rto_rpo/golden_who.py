"""Golden cases of who it was that answered: clients, and at the old primary's own address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.rto_rpo.golden_drill import FAILED, NO, Fields, Planted, nobodys
from tests.rto_rpo.golden_refused import LATER, B, asked, because, is_
from tests.rto_rpo.ledgers import MS, PlantedDrill, event, intents, operation, stream

SHARED: Final = "1 writes to the old primary were none: its own address was answered by a server that clients"


def answered() -> Iterator[Planted]:
    yield from _by_whom()
    yield from _cascades()
    yield from _names()
    yield from _strangers()
    yield from _crossing()
    yield from _planned()
    yield from _several()


def _by_whom() -> Iterator[Planted]:
    """Where no address names the new side nobody knows who answered, unless it was promoted by then."""
    nothing = "nothing names the server that answered clients, and the old primary acknowledged 1 writes"
    for name, address in (("nowhere", None), ("one virtual address", "vip")):
        for more, verdict in ((LATER, "inconclusive"), (-20 * MS, "met")):
            told = nothing if verdict == "inconclusive" else ""
            yield f"answered from {name}, {more}", _unnamed(address, more), is_(verdict, told)
        flapped = _unnamed(address, 15 * MS)
        flapped.instead[33] = FAILED
        yield f"flapped behind {name}", flapped, is_("inconclusive", nothing)
    for at, about, verdict in (
        (0, {}, "missed"),
        (0, {"dataset": "orders"}, "missed"),
        (0, {"dataset": "ticks"}, "inconclusive"),
        (1, {}, "inconclusive"),
    ):
        drill = _unnamed("vip", LATER)
        drill.more.append(event("promoted", drill.due(B) + at, **about))
        yield f"promoted {at} after b of {about}", drill, is_(verdict)
    for at in (0, 10 * MS):  # the new side answers 31 and 32, and b is 34
        drill = _unnamed("vip", 15 * MS)
        drill.instead[33] = FAILED
        drill.more.append(event("promoted", drill.due(B) + at))
        drill.more.append(event("promoted", drill.due(B) + 25 * MS))
        yield f"promoted {at} after the first answer, flapped", drill, {"m.split_brain[0].overlapping": (0,)}
    dying = _unnamed("vip", -92 * MS)  # 18 ms after f0, in a fault that takes 20 ms to strike
    dying.fault_ns = 20 * MS
    dying.instead[21] = {"address": "vip"}
    yield "answered while the fault struck", dying, is_("met")
    others = _unnamed("vip", LATER)
    others.head["streams"].append(stream("more"))
    others.more += [intents(0, others.count, others.due(0), stream="more")]
    others.more += [
        operation(number, others.due(number), stream="more", address="old" if number <= 40 else "dr")
        for number in range(others.count)
    ]
    yield "named to others, later", others, is_("inconclusive", "overlap the new side's first")
    lost = asked((LATER, NO))
    lost.head["streams"].append(stream("more"))
    lost.more += [intents(0, lost.count, lost.due(0), stream="more")]
    for number in range(lost.count):
        gone = FAILED if lost.due(number) >= lost.f0 else {}
        lost.more.append(operation(number, lost.due(number), stream="more", **gone))
    yield "others never served again", lost, is_("met")
    own = _unnamed("vip", LATER)
    own.head |= {"drill": nobodys().head["drill"]}
    own.without = {"fault_begin", "fault_end", "fault_effective"}
    yield "nobody's, behind one address", own, is_("inconclusive", nothing)
    for number, verdict in ((20, "met"), (21, "inconclusive")):
        drill = _unnamed("vip", -100 * MS + 2 * MS)  # 2 ms after 21 was due
        drill.head |= {"drill": nobodys().head["drill"]}
        drill.without = {"fault_begin", "fault_end", "fault_effective"}
        drill.instead |= {20: FAILED, 21: {"address": "vip"}} if number == 21 else {21: FAILED}
        yield f"nobody's, {number} bad, and one taken", drill, is_(verdict)


def _cascades() -> Iterator[Planted]:
    """Any name that is new since the fault is a new side, whoever answered b, and b need not be."""
    for act, taken in (("write", (0,)), ("delete", (0,)), ("read", ())):
        drill = asked((-60 * MS, {"address": "old"}), (LATER, NO))
        drill.more += [
            intents(0, 1, drill.due(24), act="delete" if act == "delete" else "read"),
            operation(0, drill.due(24), act="delete" if act == "delete" else "read", address="c"),
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
    late = asked((LATER, because("unreachable")), (160 * MS, because("unreachable")))
    late.outage_ns = 0
    for number in range(late.count):
        late.instead[number] = {"address": "old" if late.due(number) < late.due(B) + 30 * MS else "dr"}
    yield "the new side came once the service was stable", late, is_("inconclusive")
    seldom = asked((101 * MS, NO))
    seldom.head["streams"][1]["interval_ns"] = 200 * MS
    yield (
        "asked once it was stable alone",
        seldom,
        is_("inconclusive", "nothing was sent to the old primary from then"),
    )
    renamed = asked((LATER, {"address": "old"}), (LATER + MS, NO))
    for number in range(renamed.count):
        if not renamed.is_down(number):
            renamed.instead[number] = {"address": "proxy" if number <= 20 else "dr"}
    yield "clients knew the old primary by another name", renamed, is_("inconclusive", "nothing names")


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
    yield "clients knew it since the fault alone", later, is_("inconclusive", nothing)
    at_last = known_as("proxy")
    at_last.instead[20] = {"address": "old", "took": 3 * MS}
    yield "clients knew it as the fault began", at_last, is_("inconclusive", nothing)
    refused = known_as(None)
    refused.instead[5] = {**FAILED, "address": "old"}
    yield "clients were refused by it before", refused, is_("inconclusive", nothing)
    itself = asked((LATER, {"address": "old"}), (LATER + MS, NO), before_ns=MS)
    yield "it named itself as the fault began", itself, is_("inconclusive", nothing)
    moved = asked((LATER, {"address": "dr"}), (LATER + MS, NO))
    yield "it named itself otherwise later", moved, is_("inconclusive", SHARED)
    serving = asked((LATER, NO))
    for number in range(serving.count):
        if not serving.is_down(number):
            serving.instead[number] = {"address": "old"}
    serving.instead[3] = {"address": "other"}
    serving.instead[29] = {"address": "other", "took": serving.due(31) + MS - serving.due(29)}
    yield (
        "it serves on, and another answers as b arrives",
        serving,
        is_("inconclusive", "that a new side served"),
    )
    both = asked((LATER, NO))
    both.instead |= {number: {"address": "old"} for number in range(31, both.count)}
    both.instead[3] = {"address": "other"}
    read = {"act": "read", "address": "other"}
    both.more += [intents(0, 1, both.due(31), act="read"), operation(0, both.due(31), **read)]
    yield "it and another answered b", both, is_("met")
    silent = asked((LATER, {"address": "old"}), (LATER + MS, NO))
    silent.more += [intents(890, 1, silent.f0 - 9 * MS, stream="old", ns=silent.f0 - 9 * MS)]
    silent.more += [operation(890, silent.f0 - 9 * MS, stream="old")]
    for number in range(31, silent.count):
        silent.instead[number] = {"address": None if number == 31 else "old"}
    yield "b named nobody, and nor did it once", silent, is_("inconclusive", nothing)


def _unnamed(address: str | None, more: int) -> PlantedDrill:
    """Clients are answered from `address` all along, and the old primary takes one more write."""
    drill = asked((more, {"address": "old"}), (LATER + MS, NO))
    for number in range(drill.count):
        if not drill.is_down(number):
            drill.instead[number] = {"address": address}
    return drill


def _strangers() -> Iterator[Planted]:
    """At the old primary's own address another answers: it refuses nothing, and is no second writer."""
    for name, verdict in (
        ("old", "met"),
        (None, "met"),
        ("a replica", "inconclusive"),
        ("dr", "inconclusive"),
    ):
        told = "" if verdict == "met" else f"without its server's refusal (25006 by {name}: 1)"
        drill = asked((LATER, {**NO, "address": name}))
        yield f"refused by {name}", drill, is_(verdict, told)
    nameless = asked((LATER, {**NO, "address": "a replica"}))
    next(each for each in nameless.more if each.get("number") == 900)["address"] = None
    yield "refused by somebody, and it never named itself", nameless, is_("met")
    for number, verdict in ((950, "inconclusive"), (None, "met")):
        drill = asked(
            (LATER, because("refused")), (LATER + MS, {**NO, "address": "a replica" if number else None})
        )
        yield f"closed, then refused, {verdict}", drill, is_(verdict)
    gone = asked((LATER, {**because("turned away"), "address": "a replica"}))
    gone.more += [event("old_primary_gone", gone.due(B) + at) for at in (0, LATER + MS)]
    yield (
        "turned away by another while it was gone",
        gone,
        is_("inconclusive", "turned away by a replica"),
    )
    restarted = asked((-LATER, {"address": "old2"}), (LATER, {"address": "old2"}), (LATER + MS, NO))
    for number in range(31, restarted.count):
        restarted.instead[number] = {"address": "old2"}
    told = SHARED.replace("1 writes", "2 writes")
    yield "restarted in its place under another name", restarted, is_("inconclusive", told)
    both = asked((LATER, {"address": "dr"}), (LATER + MS, {"address": "old"}), (LATER + 2 * MS, NO))
    yield "another answered there, and itself too", both, is_("missed")
    while_gone = asked((-LATER, {"address": "dr"}), (LATER, NO))
    while_gone.more += [event("old_primary_gone", while_gone.due(B) - LATER + at) for at in (0, MS)]
    yield "another answered there while it was gone", while_gone, is_("inconclusive", SHARED)


def _crossing() -> Iterator[Planted]:
    """What the new side answered later may have been sent, and done, before its first answer arrived."""
    for took, sent, verdict in ((120 * MS, 26, "inconclusive"), (MS, 31, "met")):
        drill = asked((-10 * MS, {"took": MS}), (LATER, NO))
        if sent == 26:
            drill.instead[26] = {"address": "dr", "took": took}
        yield f"the new side answered {sent} after {took}", drill, is_(verdict)
    at_once = _unnamed("vip", -84 * MS)
    at_once.fault_ns = 20 * MS
    at_once.instead[22] = {"address": "vip", "lag": at_once.f1 + 1 - at_once.due(22)}
    yield "nobody named, answered at once when the fault was over", at_once, is_("inconclusive")
    overtaken = asked((-40 * MS, {"address": "old"}), (LATER, NO))
    overtaken.instead |= {24: {"address": "dr", "took": 60 * MS}, 26: {"address": "old"}}
    yield "the old one overtook the new side's first answer", overtaken, is_("inconclusive", "overlap")
    flapped = asked((LATER, NO), (80 * MS, because("unreachable")))
    flapped.instead[24] = {"address": "dr"}
    told = "without its server's refusal (unreachable: 1)"
    yield "the new side flapped, and until it was stable", flapped, is_("inconclusive", told)
    unnamed = _unnamed("vip", -10 * MS)
    unnamed.instead[26] = {"address": "vip", "took": 120 * MS}
    yield "nobody named, and answers cross", unnamed, is_("inconclusive")
    for late_one, verdict in (("orders", "inconclusive"), ("more", "met"), (None, "met")):
        drill = asked((LATER, NO))
        judged = [each for each in drill.head["judged"] if each["objective"] == "rpo"]
        dataset = "ticks" if late_one == "more" else "orders"
        drill.head |= {
            "judged": [{**each, "stream": "orders" if late_one == "more" else "more"} for each in judged]
        }
        drill.head["streams"].append(stream("more", dataset=dataset, service="ticker"))
        drill.more += [intents(0, drill.count, drill.due(0), stream="more")]
        for number in range(drill.count):
            answer = FAILED if drill.is_down(number) else {}
            lag = {"lag": 11 * MS} if (late_one, number) == ("more", 27) else {}
            drill.more.append(operation(number, drill.due(number), stream="more", **answer, **lag))
        if late_one == "orders":
            drill.instead[27] = {"lag": 11 * MS, **FAILED}
        told = "operation 27 was sent" if late_one == "orders" else ""
        yield f"nobody judges {late_one}, and it was sent late", drill, is_(verdict, told)


def _several() -> Iterator[Planted]:
    """Clients in two streams: the new side is whoever answered any of them, and when it first did."""

    def beside(old: Fields, instead: dict[int, Fields], name: str = "dr") -> PlantedDrill:
        drill = asked((old.pop("more"), old), (LATER, NO))
        drill.head["streams"].append(stream("more"))
        drill.more += [intents(0, drill.count, drill.due(0), stream="more")]
        for number in range(drill.count):
            answer = FAILED if drill.is_down(number) else {"address": "old" if number <= 20 else name}
            answer = instead.get(number, answer)
            drill.more.append(operation(number, drill.due(number), stream="more", **answer))
        return drill

    early = beside({"more": -30 * MS, "address": "old"}, {25: {"address": "dr"}})
    yield "others were answered before", early, is_("missed")
    silent = beside({"more": -30 * MS, **because("unreachable")}, {25: {"address": "dr"}})
    yield "others were answered before, and it was silent", silent, is_("inconclusive", "unreachable: 1")
    crossing = beside({"more": -10 * MS, "took": MS}, {26: {"address": "dr", "took": 120 * MS}})
    yield "others were sent for before", crossing, is_("inconclusive", "overlap")
    third = beside({"more": 20 * MS, "address": "third"}, {}, "third")
    yield "others were answered by a third", third, is_("inconclusive", SHARED)


def _planned() -> Iterator[Planted]:
    """Of a change that nobody injected names are new from the watch on, whenever the first was bad."""
    for more, verdict in ((-200 * MS, "missed"), (LATER, "missed"), (None, "met")):
        taken = [(-160 * MS, NO) if more is None else (more, {"address": "old"})]
        drill = asked(*taken, (LATER + MS, NO))
        drill.head |= {"drill": nobodys().head["drill"], "late_ns": None}
        drill.without = {"fault_begin", "fault_end", "fault_effective"}
        frozen = drill.due(8)
        drill.more.append(event("frozen", frozen, "recorder", late_ns=20 * MS))
        for number in range(10, drill.count):
            if not drill.is_down(number):
                drill.instead[number] = {"address": "dr"}
        drill.more = [each for each in drill.more if each.get("number", each.get("first")) != 900]
        first = frozen - 5 * MS
        drill.more += [intents(880, 1, first, stream="old", ns=first)]
        drill.more += [operation(880, first, stream="old", address="old")]
        yield f"planned, and the old one took one {more} after b", drill, is_(verdict)
