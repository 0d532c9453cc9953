"""What the judge found out: the nouns of a measurement. Everything here is data.

All instants are integer nanoseconds of the recorder's monotonic clock, all lengths are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["met", "missed", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Objective:
    """One declared promise: the `rto` of a service or the `rpo` of a dataset."""

    subject: str
    objective: Literal["rto", "rpo"]
    seconds: float
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the outage, from the end of the one before; the phases sum to the upper bound.

    `merged` names the phases whose own milestones nobody saw, or that ended while a person was waited for,
    and that are therefore in this one.
    """

    name: str
    seconds: float
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecoveryTime:
    """The measured RTO (RTA) of one stream. `upper_seconds` is None when no stable run was seen."""

    stream: str
    lower_seconds: float
    upper_seconds: float | None
    outage_seen: bool
    last_bad_sent_ns: int | None
    first_acknowledged_sent_ns: int | None
    first_acknowledged_ns: int | None
    stable_until_ns: int | None
    bad_count: int
    flap_count: int
    unavailable_seconds: float
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class LostWrite:
    """An acknowledged write that is not there any more."""

    number: int
    payload: str
    sent_ns: int
    acknowledged_ns: int
    after_fault: bool
    after_recovery: bool


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """The measured RPO (RPA) of one stream, and every way in which a write can have gone wrong.

    `upper_seconds` is None when the reading does not count or an outcome was never recorded.
    `verification_seconds`, from the last operation of clients to the end of the reading, is part of no bound.
    `turn_seconds`: how old the newest survivor is at most where the service was well until the fault.
    """

    stream: str
    lower_seconds: float | None
    upper_seconds: float | None
    reading_complete: bool
    acknowledged_count: int
    failed_count: int
    indeterminate_count: int
    read_count: int
    lost: tuple[LostWrite, ...] = ()
    corrupt: tuple[int, ...] = ()
    duplicated: tuple[int, ...] = ()
    resurrected: tuple[int, ...] = ()
    phantom: tuple[int, ...] = ()
    unexpected: tuple[int, ...] = ()
    indeterminate_kept: tuple[int, ...] = ()
    indeterminate_not_kept: tuple[int, ...] = ()
    unrecorded: tuple[int, ...] = ()
    newest_survivor_age_seconds: float | None = None
    verification_seconds: float | None = None
    loss_rate_bound: float | None = None
    turn_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitBrain:
    """Writes that the old primary's own address took. `after` were sent once the new side served.

    `revived` says whether it was brought back in the run; then `revived_tried` writes were sent to it, and
    it took `revived_taken`.
    """

    stream: str
    after: tuple[int, ...]
    overlapping: tuple[int, ...]
    verdict: Verdict
    reason: str
    revived: bool = False
    revived_tried: int = 0
    revived_taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SafeRecovery:
    """The safe RTO: one writer proven and every order known. None where the drill has no such gate."""

    reached: bool
    lower_seconds: float | None
    upper_seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How late the recorder itself was."""

    sent_p50_seconds: float | None
    sent_p99_seconds: float | None
    sent_max_seconds: float | None
    stall_max_seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the drill itself, with its own verdict (for one: the reconciliation)."""

    name: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything that follows from the ledger alone. `void` says why nothing that was timed can be trusted.

    `doubts` keep the run as a whole from being met, but touch no number. `reading_problems` says, by stream,
    why its reading does not count.
    """

    run: str
    void: str | None
    fault_begin_ns: int | None
    fault_end_ns: int | None
    fault_effective: bool | None
    late_ns: int | None
    stable_ns: int
    recovery_times: tuple[RecoveryTime, ...]
    recovery_points: tuple[RecoveryPoint, ...]
    split_brain: tuple[SplitBrain, ...]
    safe: SafeRecovery | None
    checks: tuple[Check, ...]
    lag: Lag
    counts: dict[str, int] = field(default_factory=dict)
    end_reason: str | None = None
    doubts: tuple[str, ...] = ()
    reading_problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One objective held against what was measured."""

    subject: str
    objective: Literal["rto", "rpo"]
    declared_seconds: float
    lower_seconds: float | None
    upper_seconds: float | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of a run, and why. `not_tested` are objectives that this run says nothing about."""

    verdict: Verdict
    reasons: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    not_tested: tuple[Objective, ...]
