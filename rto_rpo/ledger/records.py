"""The shapes of a ledger's records, schema "blackstart/ledger/1".

A ledger is JSON Lines in UTF-8, one record a line, each line ended by "\\n":

    header (intents | operation | stall | event | anchor | read | readback)* end

Instants (`ns`, `*_ns`) are integer nanoseconds of the recorder's monotonic clock; `prev` is the SHA-256 of
the previous line's raw bytes. A stream is a set of numbered operations at one address. Every number is
intended before it is sent, sent once, and settled by one `operation` record; the recorder goes on until all
that it intended has been sent and settled, and reads back only then.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

SCHEMA: Final = "blackstart/ledger/1"
LIMIT: Final = 2**63
ROWS_MAX: Final = 500
INTENTS_MAX: Final = 1_000_000
FIRST_PREV: Final = "0" * 64

Act = Literal["write", "delete", "read"]
Outcome = Literal["acknowledged", "failed", "indeterminate"]
Role = Literal["clients", "old_primary", "marks", "control"]
"""`clients`: judged for RTA and RPA. `old_primary`: the old primary's own address, for the split brain.
`marks`: numbered marks in a dataset that is restored, RPA only. `control`: an endpoint outside the drill;
while it does not answer, the recorder's own network is in doubt."""
EventName = Literal[
    "steady", "frozen", "fault_begin", "fault_end", "fault_effective", "detected", "decide_waiting",
    "decided", "asked", "answered", "fenced", "restored", "promoted", "started", "redirected", "safe",
    "stable", "check", "aborted", "healed", "undo", "revival_begin", "old_primary_revived",
    "old_primary_gone", "note", "versions",
]  # fmt: skip
Ns = Annotated[int, Field(ge=0, lt=LIMIT)]
Length = Annotated[int, Field(gt=0, lt=LIMIT)]
Number = Annotated[int, Field(ge=0, lt=LIMIT)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(min_length=1)]

_STRICT = ConfigDict(extra="forbid", strict=True)


@with_config(_STRICT)
class PlanReference(TypedDict):
    """The plan that the run froze; `variables` are the values that its ${NAME} took."""

    name: Name
    sha256: Sha256
    variables: dict[str, str]


@with_config(_STRICT)
class DrillReference(TypedDict):
    """`fault` is as in the plan. `gate`: a `safe` event is owed; `revive`: an `old_primary_revived` is.

    `cold`: no replica was trusted, everything was recovered from backup.
    """

    name: Name
    kind: Literal["live", "isolated", "restore", "tabletop"]
    environment: str | None
    fault: dict[str, Any]
    respond: Literal["runbook", "observe"]
    gate: NotRequired[bool]
    revive: NotRequired[bool]
    cold: NotRequired[bool]


@with_config(_STRICT)
class JudgedObjective(TypedDict):
    """An objective; `stream` is what measures it, null where nothing does."""

    subject: Name
    objective: Literal["rto", "rpo"]
    seconds: Seconds
    stream: str | None


@with_config(_STRICT)
class Stream(TypedDict):
    """One operation is due every `interval_ns`, each with `limit_ns` to answer.

    `payload_bytes` is the length of each payload, of a stream that writes. `restored`: what is read back
    comes from a backup. `site`: the old primary's.
    """

    name: Name
    role: Role
    address: str | None
    dataset: str | None
    service: str | None
    interval_ns: Length
    limit_ns: Length
    payload_bytes: NotRequired[Length]
    restored: NotRequired[Literal[True]]
    site: NotRequired[Name]


@with_config(_STRICT)
class CalibrationReference(TypedDict):
    """The newest calibration that the drill found: the instrument measured against itself.

    `sha256` is that of the calibration's own document, `age_seconds` its age when the run was opened. Counts
    are of what was planted, and of what of it was not found.
    """

    sha256: Sha256
    age_seconds: Seconds
    machine: Name
    judge: Name
    passed: bool
    outages: Number
    outages_outside: Number
    losses: Number
    losses_missed: Number
    worst_error_seconds: Seconds | None
    lag_p99_seconds: Seconds | None


class _Chained(TypedDict):
    seq: Number
    ns: Ns
    prev: Sha256


@with_config(_STRICT)
class Header(_Chained):
    """Always the first record. `late_ns` is null where the `frozen` event brings it."""

    kind: Literal["header"]
    schema: Literal["blackstart/ledger/1"]
    judge: Name
    run: Name
    boot: Name
    plan: PlanReference
    drill: DrillReference
    judged: list[JudgedObjective]
    not_tested: list[JudgedObjective]
    streams: list[Stream]
    late_ns: Length | None
    stable_ns: Length
    deadline_ns: Length
    seed: int
    machine: NotRequired[Name]
    calibration: NotRequired[CalibrationReference | None]


@with_config(_STRICT)
class Anchor(_Chained):
    """Pairs this `ns` with UTC. `boot` may be repeated here to show that the machine is still the same."""

    kind: Literal["anchor"]
    utc: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    boot: NotRequired[Name]


@with_config(_STRICT)
class Intents(_Chained):
    """`first` to `first + count - 1` will be sent; `first + j` at scheduled_ns + j * interval_ns.

    Numbers of writes rise, so do those of reads. A delete names the write that it removes; its count is 1.
    """

    kind: Literal["intents"]
    stream: Name
    act: Act
    first: Number
    count: Annotated[int, Field(gt=0, le=INTENTS_MAX)]
    scheduled_ns: Ns
    interval_ns: Length


@with_config(_STRICT)
class Operation(_Chained):
    """How one intended operation went, written on completion. A write carries the SHA-256 of its payload."""

    kind: Literal["operation"]
    stream: Name
    number: Number
    act: Act
    payload: NotRequired[Sha256]
    scheduled_ns: Ns
    sent_ns: Ns
    completed_ns: Ns
    outcome: Outcome
    cause: str
    address: str | None


@with_config(_STRICT)
class Stall(_Chained):
    """The recorder's own loop did not run in this stretch."""

    kind: Literal["stall"]
    from_ns: Ns
    to_ns: Ns


@with_config(_STRICT)
class Event(_Chained):
    """Something happened at `ns`. The details of some have a shape: see `validation`."""

    kind: Literal["event"]
    event: EventName
    source: Literal["drill", "responder", "recorder", "operator"]
    detail: dict[str, Any]


@with_config(_STRICT)
class Read(_Chained):
    """Rows found when reading a stream back: [number, SHA-256 of the payload found]."""

    kind: Literal["read"]
    stream: Name
    rows: Annotated[list[Annotated[tuple[Number, Sha256], Field(strict=False)]], Field(max_length=ROWS_MAX)]


@with_config(_STRICT)
class Readback(_Chained):
    """Ends a reading. It counts only with `end`, without `error`, and where `count` is the rows' number."""

    kind: Literal["readback"]
    stream: Name
    count: Number | None
    end: bool
    address: str | None
    error: str | None


@with_config(_STRICT)
class End(_Chained):
    """Always the last record; a ledger without it was cut off."""

    kind: Literal["end"]
    reason: Literal["stable", "deadline", "orphaned", "aborted"]


Record = Header | Anchor | Intents | Operation | Stall | Event | Read | Readback | End
