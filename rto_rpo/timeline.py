"""Events in legal order on one monotonic clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import End, Event, Header, Stall
from rto_rpo.measurement import Check
from rto_rpo.refusal import GONE_FENCE, STANDING_FENCES, fence_kinds

MILESTONES: Final = frozenset(
    {"detected", "decide_waiting", "decided", "fenced", "restored", "promoted", "started", "redirected"}
)
WAITING: Final = frozenset({"asked", "answered"})
"""A person was asked something amid the runbook, and answered. `detail` names the `question`."""
AFTER_FAULT: Final = (
    MILESTONES | WAITING | {"fault_effective", "safe", "stable", "revival_begin", "old_primary_gone"}
)
_ONCE: Final = frozenset({"frozen", "fault_begin", "fault_end", "revival_begin"})


@dataclass(frozen=True, slots=True)
class Milestone:
    """A step of the recovery. `detail` may name the service or the dataset that it was about."""

    name: str
    ns: int
    detail: dict[str, Any]


def _is_at(milestone: Milestone, site: str | None) -> bool:
    """Whether it is about that site; where nobody says which is meant, it is."""
    return site is None or milestone.detail.get("site", site) == site


class Timeline:
    """What the events of a run say that the judge wants to know. Instants are None until they are seen."""

    def __init__(self, header: Header) -> None:
        self.no_fault_of_ours = header["drill"]["fault"].get("kind") == "none"
        self.begin_ns = header["ns"]
        self.late_ns = header["late_ns"]
        self.has_clients = any(stream["role"] == "clients" for stream in header["streams"])
        self.frozen_ns: int | None = None
        self.fault_begin_ns: int | None = None
        self.fault_end_ns: int | None = None
        self.fault_effective: bool | None = None
        self.safe_ns: int | None = None
        self.revived_ns: int | None = None
        self.revival_begin_ns: int | None = None
        self.healed_ns: int | None = None
        self.milestones: list[Milestone] = []
        self.checks: list[Check] = []
        self.stalls: list[tuple[int, int]] = []
        self.aborted: str | None = None
        self.end_reason: str | None = None
        self.event_count = 0
        self._gone: list[Milestone] = []
        self._seen: set[str] = set()

    @property
    def watch_ns(self) -> int:
        """From when on operations speak of the fault: its begin, or the freezing where it is none of ours."""
        for ns in (self.fault_begin_ns, self.frozen_ns):
            if ns is not None:
                return ns
        return self.begin_ns

    @property
    def revived_from_ns(self) -> int | None:
        """From when on a write to the old primary met one that was brought back; None if it never was.

        It may take writes before anybody knows that it runs. Without a begin only that is known.
        """
        if self.revived_ns is None or self.revival_begin_ns is None:
            return self.revived_ns
        return min(self.revival_begin_ns, self.revived_ns)

    def gone_ns(self, site: str | None, *, revived: bool) -> tuple[int, int] | None:
        """The first and last proof that nothing of the old primary ran: since it was `revived`, or before."""
        back = self.revived_from_ns
        fences = [each for each in self._named("fenced") if fence_kinds(each.detail) == GONE_FENCE]
        proofs = sorted(each.ns for each in [*self._gone, *fences] if _is_at(each, site))
        found = [ns for ns in proofs if (back is not None and ns >= back) == revived]
        return (found[0], found[-1]) if found else None

    def fenced_ns(self, site: str | None) -> int | None:
        """When a fence around the old primary was proven that holds by itself."""
        for each in self._named("fenced"):
            kinds = fence_kinds(each.detail)
            if kinds and kinds <= STANDING_FENCES and _is_at(each, site):
                return each.ns
        return None

    def promoted_ns(self, dataset: str | None) -> int | None:
        """When another server was said to take the writes of `dataset`."""
        about = (
            each.ns for each in self._named("promoted") if each.detail.get("dataset", dataset) == dataset
        )
        return next(about, None)

    def was_restored(self, dataset: str | None, until_ns: int) -> bool:
        """Whether `dataset` was said to be restored by then."""
        return any(
            each.detail.get("dataset") == dataset and each.ns <= until_ns for each in self._named("restored")
        )

    def _named(self, name: str) -> Iterator[Milestone]:
        return (each for each in self.milestones if each.name == name)

    def stall(self, record: Stall) -> None:
        """Raises LedgerError where a stall ends before it begins, or after it was written down."""
        if not record["from_ns"] <= record["to_ns"] <= record["ns"]:
            raise LedgerError(record["seq"] + 1, "the clock went back: a stall's ends are out of order")
        self.stalls.append((record["from_ns"], record["to_ns"]))

    def end(self, record: End) -> None:
        self.end_reason = record["reason"]
        if record["reason"] == "aborted" and self.aborted is None:
            self.aborted = "no reason was recorded"

    def add(self, record: Event) -> None:
        """Raises LedgerError where the event cannot come after those before it."""
        wrong = self._out_of_order(record["event"])
        if wrong:
            raise LedgerError(record["seq"] + 1, wrong)
        self._seen.add(record["event"])
        self.event_count += 1
        wrong = self._take(record["event"], record["ns"], record["detail"])
        if wrong:
            raise LedgerError(record["seq"] + 1, wrong)

    def _out_of_order(self, name: str) -> str | None:
        if name in _ONCE and name in self._seen:
            return f"a second {name}"
        if name in AFTER_FAULT and "fault_begin" not in self._seen and not self.no_fault_of_ours:
            return f"{name} before fault_begin"
        if name == "fault_end" and "fault_begin" not in self._seen:
            return "fault_end before fault_begin"
        if name in {"steady", "frozen"} and "fault_begin" in self._seen:
            return f"{name} after fault_begin"
        if name == "steady" and "frozen" in self._seen:
            return "steady after frozen"
        if name == "fault_begin" and self.late_ns is None and self.has_clients:
            return "fault_begin before late was frozen"
        return None

    def _take(self, name: str, ns: int, detail: dict[str, Any]) -> str | None:
        match name:
            case "frozen":
                if self.late_ns not in {None, detail["late_ns"]}:
                    return f"late was frozen at {detail['late_ns']} ns, but the header says {self.late_ns}"
                self.frozen_ns, self.late_ns = ns, detail["late_ns"]
            case "fault_begin":
                self.fault_begin_ns = ns
            case "fault_end":
                self.fault_end_ns = ns
            case "fault_effective":
                self.fault_effective = detail["holds"] and self.fault_effective is not False
            case "check":
                self.checks.append(Check(detail["name"], detail["verdict"], detail["reason"]))
            case "aborted":
                self.aborted = detail["reason"]
            case "safe" if self.safe_ns is None:
                self.safe_ns = ns
            case "healed" if self.healed_ns is None:
                self.healed_ns = ns
            case _ if name in MILESTONES | WAITING:
                self.milestones.append(Milestone(name, ns, detail))
            case _:
                self._take_of_revival(name, ns, detail)
        return None

    def _take_of_revival(self, name: str, ns: int, detail: dict[str, Any]) -> None:
        match name:
            case "revival_begin":
                self.revival_begin_ns = ns
            case "old_primary_revived":
                self.revived_ns = ns
            case "old_primary_gone":
                self._gone.append(Milestone(name, ns, detail))
