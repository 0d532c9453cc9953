"""What people add to the evidence: notes, approvals, presence, sign-offs, findings, holds. Append-only.

Each is one line of the chain. A run's files are never touched again once it is closed, so whatever is said
later is said here, and what was said once is only ever answered, never taken back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _real(written: str) -> str:
    """The 41st of May has the right shape too."""
    datetime.fromisoformat(written)
    return written


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Confirm = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Public = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_real)]
Utc = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"),
    AfterValidator(_real),
]
Words = Annotated[str, Field(min_length=1, max_length=20_000)]
FindingId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Severity = Literal["low", "medium", "high", "critical"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class By(_Part):
    """Who says it. Without a signature the name is only *claimed*.

    `public` is the raw Ed25519 key in hex, `signature` that key's over `statement` (see `person`).
    """

    name: Words
    role: str | None = None
    public: Public | None = None
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")] | None = None


class _Entry(_Part):
    by: By
    text: str = Field(max_length=20_000)


class Note(_Entry):
    """Free words; a `deviation` is what went another way than planned, a check that was not run included."""

    what: Literal["note", "deviation"]


class Presence(_Entry):
    """When somebody was called, acknowledged, joined or left; `at` where that was not the line's own time."""

    what: Literal["presence"]
    person: Words
    state: Literal["called", "acknowledged", "joined", "left", "absent"]
    at: Utc | None = None


class Approval(_Entry):
    """Leave to run a drill, given before it: for what its preview's hash confirms, until `until`."""

    what: Literal["approval"]
    decision: Literal["accepted", "refused"]
    confirm: Confirm
    ticket: str | None = None
    until: Utc | None = None


class SignOff(_Entry):
    """A person's word on a finished run. `closed` is the hash of its *closed* line, and so of every file."""

    what: Literal["sign_off"]
    decision: Literal["accepted", "refused"]
    closed: Sha256


class Retest(_Part):
    """What closes a finding when met, and opens it again when missed: a drill, or one objective of it."""

    drill: str
    subject: str | None = None
    objective: Literal["rto", "rpo"] | None = None


class Finding(_Entry):
    """Something to mend. Ids are the firm's own and used once; `text` says what it is."""

    what: Literal["finding"]
    id: FindingId
    severity: Severity
    owner: str | None = None
    due: Date | None = None
    retest: Retest | None = None


class FindingState(_Entry):
    """What became of a finding. A risk is accepted by somebody, for a reason, until a day."""

    what: Literal["finding_state"]
    id: FindingId
    state: Literal["closed", "opened", "accepted"]
    until: Date | None = None


class Hold(_Entry):
    """A legal hold: while one is placed nothing of the run (or of all runs) is pruned."""

    what: Literal["hold"]
    placed: bool


AnyEntry = Annotated[
    Note | Presence | Approval | SignOff | Finding | FindingState | Hold, Field(discriminator="what")
]
