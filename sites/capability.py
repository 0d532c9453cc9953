"""What a driver can do, as small protocols. A driver has those that it can honestly keep.

All calls block unless they are `async`; all of them may raise a `BlackstartError`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

Result = Literal["acknowledged", "failed", "indeterminate"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one client operation ended, as its client saw it.

    acknowledged: the commit was confirmed. failed: provably not executed (refused before
    anything was sent). indeterminate: everything else.
    """

    result: Result
    cause: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What a dataset holds of one stream: (number, SHA-256 of the payload in hex) for each row.

    `count` is what the source itself claims to hold; `end` is true when its end marker arrived.
    Both must fit the rows, or the reading proves nothing.
    """

    rows: list[tuple[int, str]]
    count: int | None
    end: bool
    address: str | None = None


class Client(Protocol):
    """What a canary writes through. Numbers are never sent twice within a stream."""

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome: ...

    async def delete(self, stream: str, number: int) -> Outcome: ...

    async def read_back(self, stream: str) -> ReadBack: ...

    async def aclose(self) -> None: ...


class Probe(Protocol):
    """What only looks: nothing is written, so nothing is read back."""

    async def read(self, stream: str, number: int) -> Outcome: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """That something is so, and how we know: kept as evidence word for word."""

    holds: bool
    how: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a replica has come in its primary's log.

    `committed` is when the newest transaction that it has replayed was committed (UTC, the primary's clock),
    `behind_bytes` what it lacks of what the primary has on disk; None when the primary cannot be asked.
    """

    lsn: str
    committed: datetime | None
    behind_bytes: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A transaction of ours in a database's log: when it began (UTC, the server's clock), its position, and
    the segment of the log that it is in."""

    taken: datetime
    lsn: str
    segment: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness held, and the mark by which it knows that content again."""

    content: bytes
    etag: str


class Witness(Protocol):
    """One small record that is written only if it is still what the writer has seen."""

    def read(self) -> Seen | None:
        """None while it was never written."""
        ...

    def write(self, content: bytes, seen: Seen | None) -> Seen | None:
        """Write it if it is as it was `seen` (None: not there). None when it is not: nothing was changed."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a fault would touch, resolved while the site is healthy."""

    site: str
    kind: str
    name: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """The version of something, and who said so. `version` None: it is not known, and `problem` says why."""

    what: str
    where: str
    version: str | None
    by: str
    problem: str | None = None


@runtime_checkable
class Versioned(Protocol):
    """A site that can say what its machines run."""

    def versions(self) -> list[Version]:
        """What is not known is in it too, with the reason; raises nothing."""
        ...


@runtime_checkable
class Running(Protocol):
    """A site whose processes can be started, stopped and listed by name."""

    name: str

    def up(self, *, only: Collection[str] | None = None) -> None:
        """Start the site and what it starts by itself, or `only` those; no effect on what already runs."""
        ...

    def down(self) -> None:
        """Stop everything, gracefully first. No effect on a site that is not up."""
        ...

    def start(self, process: str) -> None:
        """No effect if it runs. Raises SiteDown where the site was never brought up, or lost whole since."""
        ...

    def stop(self, process: str) -> None: ...

    def running(self) -> dict[str, int]:
        """Names of the running processes, with their process ids as seen from outside."""
        ...


@runtime_checkable
class Killable(Protocol):
    """A site that can be lost whole, at once."""

    def targets(self) -> list[Target]: ...

    def kill(self) -> Proof:
        """SIGKILL every process of the site; return once the last one is proven gone."""
        ...

    def proven_gone(self) -> Proof:
        """Whether no process of the site exists any more."""
        ...


@runtime_checkable
class Fencing(Protocol):
    """A site with a fence of its own, which says more than that everything there was killed."""

    def fence(self) -> Proof:
        """Keep the site from taking writes; return once that is proven, or with why it is not."""
        ...


@runtime_checkable
class KnowingOne(Protocol):
    """A site that can prove of one process that it and whatever it started are gone, while others live."""

    def process_gone(self, process: str) -> Proof:
        """Changes nothing. Unknown is never gone."""
        ...


class SiteDriver(Running, Killable, Protocol):
    """What every kind of site is."""


@runtime_checkable
class Promotable(Protocol):
    """A replicated dataset whose copy at another site can become the writable one."""

    def promote(self, site: str, *, limit_seconds: float) -> None:
        """Make the copy at `site` writable; return when it has accepted a write."""
        ...

    def writable(self, site: str) -> bool | None:
        """True or false as that copy itself answers; None when it cannot be asked."""
        ...

    def in_sync(self) -> Proof: ...
