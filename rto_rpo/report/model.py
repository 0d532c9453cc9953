"""report.json, schema "blackstart/report/2". Lengths are seconds.

`..._at_seconds` count from the fault's begin (f0), or from the ledger's first record where no fault began.
UTC is for people: no length ever comes from it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rto_rpo.evidence.agreed.charter import Charter
from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.measurement import Verdict

REPORT_SCHEMA = "blackstart/report/2"

Standing = Literal["met", "met, in doubt", "missed", "inconclusive"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(_Part):
    name: str
    sha256: str
    variables: dict[str, str]


class Ledger(_Part):
    """`ended` is why the recorder stopped; None when it never said so."""

    sha256: str
    records: int
    boot: str
    ended: Literal["stable", "deadline", "orphaned", "aborted"] | None


class Drill(_Part):
    name: str
    """`gate`: the run owes a proof that it was safe to go on (safe RTO); `revive`: that the fence held.
    `cold`: no replica was trusted, all of it was recovered from backup."""

    kind: str
    environment: str | None
    respond: str
    fault: dict[str, Any]
    gate: bool = False
    revive: bool = False
    cold: bool = False


class Span(_Part):
    """UTC, from the ledger's anchors; None where it has none."""

    begin: str | None
    fault: str | None
    end: str | None


class Limits(_Part):
    """What was frozen before the fault. `late_seconds` is None when the run never came that far."""

    late_seconds: float | None
    stable_seconds: float
    deadline_seconds: float
    seed: int


class Stream(_Part):
    name: str
    role: str
    address: str | None
    dataset: str | None
    service: str | None
    interval_seconds: float
    limit_seconds: float


class _Judged(_Part):
    """`standing` is how `verdict` is to be read: *met* in a run that is in doubt shows nothing good."""

    verdict: Verdict
    standing: Standing
    reason: str


class Judgement(_Judged):
    """An objective against its measured bounds. None: there is no such bound."""

    subject: str
    objective: Literal["rto", "rpo"]
    stream: str | None
    declared_seconds: float
    lower_seconds: float | None
    upper_seconds: float | None


class NotTested(_Part):
    subject: str
    objective: Literal["rto", "rpo"]
    declared_seconds: float


class Phase(_Part):
    name: str
    seconds: float
    merged: list[str]


class RecoveryTime(_Part):
    stream: str
    lower_seconds: float
    upper_seconds: float | None
    outage_seen: bool
    last_bad_sent_at_seconds: float | None
    first_acknowledged_sent_at_seconds: float | None
    first_acknowledged_at_seconds: float | None
    stable_until_at_seconds: float | None
    bad_count: int
    flap_count: int
    unavailable_seconds: float
    phases: list[Phase]


class LostWrite(_Part):
    number: int
    payload: str
    sent_at_seconds: float
    acknowledged_at_seconds: float
    acknowledged_utc: str | None
    after_fault: bool
    after_recovery: bool


class RecoveryPoint(_Part):
    stream: str
    lower_seconds: float | None
    upper_seconds: float | None
    reading_complete: bool
    reading_problem: str | None
    acknowledged_count: int
    failed_count: int
    indeterminate_count: int
    read_count: int
    lost: list[LostWrite]
    corrupt: list[int]
    duplicated: list[int]
    resurrected: list[int]
    phantom: list[int]
    unexpected: list[int]
    indeterminate_kept: list[int]
    indeterminate_not_kept: list[int]
    unrecorded: list[int]
    newest_survivor_age_seconds: float | None
    verification_seconds: float | None = None
    loss_rate_bound: float | None


class SplitBrain(_Judged):
    stream: str
    after: list[int]
    overlapping: list[int]
    revived: bool = False
    revived_tried: int = 0
    revived_taken: list[int] = []


class Safe(_Part):
    """One writer proven and every order known. Reported beside the serving RTO, judged by nobody."""

    reached: bool
    lower_seconds: float | None
    upper_seconds: float | None
    reason: str


class Check(_Judged):
    name: str


class Calibration(_Part):
    """The instrument measured against itself, before the run. `unfit` says why it does not count."""

    unfit: str | None
    age_seconds: float
    outages: int
    outages_outside: int
    losses: int
    losses_missed: int
    worst_error_seconds: float | None
    lag_p99_seconds: float | None
    sha256: str


class Instrument(_Part):
    """How late the recorder itself was. `void` says why the run proves nothing."""

    void: str | None
    fault_effective: bool | None
    sent_p50_seconds: float | None
    sent_p99_seconds: float | None
    sent_max_seconds: float | None
    stall_max_seconds: float
    calibration: Calibration | None


class Event(_Part):
    name: str
    source: str
    at_seconds: float
    utc: str | None
    detail: dict[str, Any]


class Version(_Part):
    """What was tried, of which version, by whose word. `version` None: not known, and `problem` says why."""

    what: str
    where: str
    version: str | None
    by: str
    problem: str | None
    at_seconds: float
    utc: str | None


class Density(_Part):
    """Operations of one stream by the time of their sending, in equal bins from `begin_at_seconds` on."""

    stream: str
    begin_at_seconds: float
    bin_seconds: float
    served: list[int]
    bad: list[int]


class Timeline(_Part):
    """`whole`: the run from first to last operation. `outage`: the same around the outage, finer."""

    begin_at_seconds: float
    end_at_seconds: float
    fault_begin_at_seconds: float | None
    fault_end_at_seconds: float | None
    events: list[Event]
    whole: list[Density]
    outage: list[Density]


class Report(_Part):
    """`charter` is what was agreed before the run, as it stood; None: nothing was written down.

    `doubts`: why nothing good follows from the run, whatever it measured.
    `undone` is what became of the fault where the ledger could take it no more; most runs have none.
    """

    schema_: Literal["blackstart/report/2"] = Field(alias="schema")
    judge: str
    run: str
    plan: Plan
    ledger: Ledger
    drill: Drill
    utc: Span
    limits: Limits
    streams: list[Stream]
    verdict: Verdict
    reasons: list[str]
    doubts: list[str]
    judgements: list[Judgement]
    not_tested: list[NotTested]
    recovery_times: list[RecoveryTime]
    recovery_points: list[RecoveryPoint]
    split_brain: list[SplitBrain]
    safe: Safe | None
    checks: list[Check]
    instrument: Instrument
    versions: list[Version]
    timeline: Timeline
    counts: dict[str, int]
    charter: Charter | None = None
    undone: list[Undone] = []


def schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(by_alias=True),
        "title": REPORT_SCHEMA,
    }
