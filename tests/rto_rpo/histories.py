"""Random histories: operations, faults, losses, duplicates, deletes, stalls and readings, in a few instants.

Times are tiny (an interval is a few ns), so that ties and bounds that are off by one come up all the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.rto_rpo.ledgers import (
    calibration,
    drill_of,
    end,
    event,
    header,
    intents,
    judged,
    operation,
    reading,
    sha256_of,
    stall,
)
from tests.rto_rpo.ledgers import stream as stream_of

Fields = dict[str, Any]
START = 1000
DICE_BYTES = 1200


class Dice:
    """Decisions out of drawn bytes. All zero is the dullest history, which is where shrinking goes."""

    def __init__(self, drawn: bytes) -> None:
        self._drawn = drawn
        self._at = 0

    def below(self, limit: int) -> int:
        self._at += 1
        return self._drawn[self._at - 1] % limit if self._at <= len(self._drawn) else 0

    def one_in(self, count: int) -> bool:
        return self.below(count) == count - 1

    def pick(self, *choices: Any) -> Any:
        return choices[self.below(len(choices))]


@dataclass
class History:
    """One history while it is made up. `wild` is how often things go wrong that are no outage; 0 is never."""

    dice: Dice
    interval: int
    late: int
    wild: int
    f0: int = 0
    f1: int = 0
    down_from: int = 0
    down_until: int = 0
    over: int = 0
    revived: int | None = None
    named: bool = True
    causes: tuple[str, ...] = ("refused",)
    records: list[Fields] = field(default_factory=list)

    def odd(self, count: int) -> bool:
        return self.wild > 0 and self.dice.one_in(max(2, count // self.wild))

    def is_down(self, due: int) -> bool:
        return self.down_from <= due < self.down_until

    def answer(self, due: int, *, down: bool) -> Fields:
        outcome = "acknowledged"
        took = self.dice.pick(1, 2, 0, 3, self.late // 2, self.late)
        if down or self.odd(40):
            outcome = self.dice.pick("failed", "indeterminate", "failed", "acknowledged")
            took = self.dice.pick(1, self.late + 1, self.late, 2 * self.late)
        lag = self.dice.below(self.late + 2) if self.odd(50) else 0
        side = "old" if due < self.f1 else "new"
        address = self.dice.pick(*[side] * 8, "old", None) if self.named else self.dice.pick(None, "any")
        return {"outcome": outcome, "took": took, "lag": lag, "address": address}

    def add(self, record: Fields) -> None:
        self.records.append(record)
        self.over = max(self.over, record["ns"])


def make_history(drawn: bytes) -> tuple[Fields, list[Fields]]:
    """A header, and the records after it in the order of their `ns`."""
    dice = Dice(drawn)
    made = History(dice, dice.pick(5, 3, 10), dice.pick(20, 7, 4, 31), dice.pick(0, 1, 0, 3))
    made.named = not dice.one_in(5)
    count = 3 + dice.below(60)
    made.f0 = START + dice.below(count) * made.interval // 2 + dice.below(made.interval + 1)
    made.f1 = made.f0 + dice.pick(2, 0, 12, 40)
    made.down_from = made.f0 - (dice.pick(15, 40, 80) if dice.one_in(10) else 0)
    made.down_until = made.f0 + dice.pick(20, 0, 60, 150)
    fault = dice.pick("kill_site", "kill_site", "none", "kill_site")
    head = header(
        ns=START - 100,
        drill=drill_of(
            fault,
            respond="runbook" if dice.one_in(5) else "observe",
            **{owed: True for owed in ("gate", "revive") if made.odd(20)},
        ),
        deadline_ns=10**9 if not made.odd(20) else 40,
        calibration=_calibration(made),
        late_ns=dice.pick(made.late, None),
        stable_ns=dice.pick(30, 1, 60, 100),
        streams=[stream_of(interval_ns=made.interval, **({"restored": True} if dice.one_in(12) else {}))],
        judged=[
            judged("gateway", "rto", dice.pick(100, 300, 60, 200, 0) / 1e9, dice.pick(*["orders"] * 9, None)),
            judged("orders", "rpo", dice.pick(0, 0, 5, 40, 200) / 1e9),
        ],
    )
    _events(made, head, fault)
    _told_of_recovery(made, head)
    written = _clients(made, "orders", START, count)
    if dice.one_in(6):
        head["streams"].append(
            stream_of("more", interval_ns=made.interval, dataset=dice.pick("orders", "ticks"))
        )
        written_more = _clients(made, "more", START + 1, count // 2)
        _reading(made, "more", written_more)
    if dice.one_in(2):
        head["streams"].append(stream_of("old", "old_primary", interval_ns=made.interval))
        _old_primary(made, count if made.revived is None else count + dice.below(40))
    if dice.one_in(6):
        head["streams"].append(stream_of("control", "control", interval_ns=made.interval))
        _control(made, count)
    if dice.one_in(8):
        head["streams"].append(stream_of("marks", "marks", interval_ns=made.interval, dataset="strategies"))
        head["judged"].append(judged("strategies", "rpo", dice.pick(50, 0) / 1e9, "marks"))
        written_marks = _clients(made, "marks", START, 3 + dice.below(5))
        if not dice.one_in(4) and any(each.get("event") == "fault_begin" for each in made.records):
            made.add(event("restored", made.over, dataset=dice.pick(*["strategies"] * 5, "orders")))
        _reading(made, "marks", written_marks)
    _reading(made, "orders", written)
    made.add(end(made.over, dice.pick("stable", "stable", "deadline", "orphaned" if made.wild else "stable")))
    return head, sorted(made.records, key=lambda record: record["ns"])


def _events(made: History, head: Fields, fault: str) -> None:
    dice, wild = made.dice, made.wild
    if head["late_ns"] is None and not made.odd(40):
        made.add(event("frozen", START - 1, "recorder", late_ns=made.late))
    late_known = head["late_ns"] is not None or made.records
    if late_known and not (dice.pick(True, False) if fault == "none" else made.odd(40)):
        made.add(event("fault_begin", made.f0))
        if not made.odd(60):
            made.add(event("fault_end", made.f1))
        if not made.odd(40):
            made.add(event("fault_effective", made.f1, holds=not made.odd(40), how="looked"))
        if dice.one_in(5):
            made.add(event("safe", made.f1 + dice.below(100)))
        if dice.one_in(2):
            _revival(made)
    if made.odd(40):
        made.add(event("aborted", made.f1, reason="a guard"))
    if wild and dice.one_in(6):
        made.add(
            event(
                "check", made.f1, name="gate", verdict=dice.pick("met", "missed", "inconclusive"), reason="so"
            )
        )
    if made.odd(15):
        start = START + dice.below(200)
        made.add(stall(start, start + dice.below(made.late + 2)))


def _calibration(made: History) -> Fields | None:
    if not made.odd(40):
        return calibration()
    return made.dice.pick(
        None,
        calibration(passed=False),
        calibration(outages=0),
        calibration(machine="another"),
        calibration(age_seconds=30 * 86400.0 + made.dice.below(2)),
    )


def _told_of_recovery(made: History, head: Fields) -> None:
    """What a runbook, an undo, and whoever looks after the old primary say, where anything can be said."""
    dice = made.dice
    begun = any(each.get("event") == "fault_begin" for each in made.records)
    if not begun and head["drill"]["fault"]["kind"] != "none":
        return
    if head["drill"]["respond"] == "runbook" and not made.odd(20):
        made.add(event("check", made.f1, name="runbook", verdict="met", reason="so"))
    if dice.one_in(3):
        about = dice.pick({"dataset": "orders"}, {}, {"dataset": "ticks"})
        made.add(event("promoted", made.f1 + dice.below(60), **about))
    if dice.one_in(3):
        proof = dice.pick(
            {"proof": "gone"}, {"proof": "operator"}, {}, {"proof": "power off"}, {"proof": "gone, refused"}
        )
        made.add(event("fenced", made.f1 + dice.below(40), site="primary", **proof))
    if dice.one_in(4):
        for _ in range(1 + dice.below(2)):
            made.add(event("old_primary_gone", made.f1 + dice.below(300)))
    if dice.one_in(12):
        made.add(event("healed", made.f1 + dice.below(300)))


def _revival(made: History) -> None:
    """The old primary is brought back; when that began is told, or not, or all that is told."""
    dice = made.dice
    made.revived = made.f1 + dice.below(dice.pick(60, 200))
    told = dice.pick("both", "both", "both", "end", "begin")
    if told != "end":
        made.add(event("revival_begin", made.revived))
    if told != "begin":
        made.add(event("old_primary_revived", made.revived + dice.below(10)))
    if dice.one_in(4):  # whoever turned it off proves it, once, twice or thrice
        for _ in range(1 + dice.below(3)):
            made.add(event("old_primary_gone", made.revived + dice.below(200)))


def _clients(made: History, name: str, start: int, count: int) -> dict[int, Fields]:
    """A stream of clients; the answer is its writes by number, with what became of their deletes."""
    dice, number, written = made.dice, 0, {}
    while number < count:
        act = "read" if dice.one_in(8) else "write"
        batch = min(count - number, 1 + dice.below(12))
        first_due = start + number * made.interval
        made.add(intents(number, batch, first_due, made.interval, ns=START - 50, stream=name, act=act))
        for each in range(number, number + batch):
            due = start + each * made.interval
            settled = None
            if not made.odd(60):
                answer = made.answer(due, down=made.is_down(due))
                settled = operation(each, due, stream=name, act=act, **answer)
                made.add(settled)
            if act == "write":
                written[each] = {"settled": settled, "deleted": None}
        number += batch
    for each in sorted(written):
        if dice.one_in(10):
            written[each]["deleted"] = _delete(made, name, each, start + each * made.interval + 20)
    return written


def _delete(made: History, name: str, number: int, due: int) -> str:
    made.add(intents(number, 1, due, ns=START - 40, stream=name, act="delete"))
    if made.odd(20):
        return "unsettled"
    answer = made.answer(due, down=made.is_down(due))
    made.add(operation(number, due, stream=name, act="delete", **answer))
    return str(answer["outcome"])


def _old_primary(made: History, count: int) -> None:
    made.causes = made.dice.pick(
        ("25006",),
        ("25006", "25006", "42501", "turned away", "refused", "rejected"),
        ("refused",),
        ("unreachable", "25006"),
    )
    made.add(intents(0, count, START, made.interval, ns=START - 50, stream="old"))
    for number in range(count):
        due = START + number * made.interval
        if not made.odd(150):
            answer = made.answer(due, down=False)
            if due >= made.f0:
                answer["outcome"] = "failed"
                if made.odd(60):
                    answer["outcome"] = made.dice.pick("acknowledged", "indeterminate")
            answer["address"] = made.dice.pick(*["old"] * 9, None, "new")
            made.add(operation(number, due, stream="old", cause=_cause(made, due), **answer))


def _cause(made: History, due: int) -> str:
    """Why the old primary did not do it: it refuses, or nobody listens, until it is revived."""
    if made.revived is None or due < made.revived - 10 or made.odd(300):
        return str(made.dice.pick(*made.causes))
    return str(made.dice.pick("25006", "25006", "25006", "42501", "denied", "refused"))


def _control(made: History, count: int) -> None:
    """Asked all along; or never, for a part of the time, or with a hole."""
    dice = made.dice
    asked = set(range(-3, count + 40))
    match dice.pick("all", "all", "none", "until", "hole", "all"):
        case "none":
            return
        case "until":
            asked = set(range(-3, dice.below(count)))
        case "hole":
            hole = dice.below(count)
            asked -= set(range(hole, hole + dice.below(9)))
    for number, slot in enumerate(sorted(asked)):
        due = START + slot * made.interval
        made.add(intents(number, 1, due, made.interval, ns=START - 50, stream="control", act="read"))
        if not made.odd(200):
            answer = {"outcome": "acknowledged", "took": dice.pick(1, made.late), "lag": dice.below(2)}
            if made.odd(100):
                answer = made.answer(due, down=False)
            made.add(operation(number, due, stream="control", act="read", **answer))


def _reading(made: History, name: str, written: dict[int, Fields]) -> None:
    dice = made.dice
    rows: list[tuple[int, str]] = []
    for number, each in written.items():
        if _is_there(made, each):
            sound = sha256_of(number, name)
            rows.append((number, sha256_of(-1) if made.odd(80) else sound))
            if made.odd(80):
                rows.append((number, sound))
    if made.odd(25):
        rows += [(10**6 + dice.below(3), sha256_of(0))] * (1 + dice.below(2))
    if made.odd(25):
        rows.reverse()
    at = made.over + dice.below(3)
    kind = dice.below(12) if made.wild else 0
    if kind == 7:
        return
    if kind in {8, 9}:
        broken = {8: {"error": "refused"}, 9: {"count": len(rows) + 1}}[kind]
        for record in reading(rows[:2], at, name, **broken):
            made.add(record)
        at += 1
    where = {"address": dice.pick("new", "new", "old", "nobody")} if dice.one_in(4) else {}
    for record in reading(rows, at, name, **where, **{10: {"end": False}, 11: {"count": None}}.get(kind, {})):
        made.add(record)


def _is_there(made: History, each: Fields) -> bool:
    dice, deleted = made.dice, each["deleted"]
    outcome = each["settled"]["outcome"] if each["settled"] else "unsettled"
    if deleted == "acknowledged":
        return made.odd(20)
    if deleted in {"indeterminate", "unsettled"} or outcome in {"indeterminate", "unsettled"}:
        return bool(dice.below(2))
    if outcome == "failed":
        return made.odd(40)
    near = (
        each["settled"]["completed_ns"] > made.f0 - 30 and each["settled"]["completed_ns"] < made.down_until
    )
    return not (dice.one_in(4) if near and made.wild else made.odd(60))


def histories() -> st.SearchStrategy[tuple[Fields, list[Fields]]]:
    return st.binary(min_size=DICE_BYTES, max_size=DICE_BYTES).map(make_history)
