"""What a driver can do, as small protocols. A driver has those that it can honestly keep.

All calls block unless they are `async`; all of them may raise a `BlackstartError`.
"""

from __future__ import annotations

import signal
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal, Protocol, runtime_checkable

Result = Literal["acknowledged", "failed", "indeterminate"]
Direction = Literal["both", "inbound", "outbound"]


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

    def start(self, process: str) -> None: ...

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
class KillingOne(Protocol):
    """A site of which one process can be lost, with whatever it started, while the others go on."""

    def kill_process(self, process: str) -> Proof:
        """SIGKILL; return once it is proven gone. A process that does not run is gone."""
        ...


@runtime_checkable
class Pausable(Protocol):
    """A site that can be made to stand still: it accepts connections, and never answers."""

    def pause(self) -> Proof:
        """Stop every process where it is; return once the last one stands still."""
        ...

    def resume(self) -> Proof:
        """Let them go on; the proof says whether all do. No effect on a site that is not paused or gone."""
        ...

    def paused(self) -> Proof:
        """Whether every process of the site stands still now."""
        ...


@runtime_checkable
class Signalling(Protocol):
    """A site that hands signals to a process of its own, by the number which that has inside."""

    def signal(self, inner_pid: int, number: signal.Signals) -> None: ...

    def frozen(self, number: int) -> bool | None:
        """Whether that process stands still; None if there is none."""
        ...


@runtime_checkable
class Partitionable(Protocol):
    """A site that can be cut off: packets are dropped, so that there is silence and no refusal.

    Inbound is what others send to the site, outbound what it sends to them. Within the site all goes on.
    """

    def cannot_partition(self) -> str | None:
        """Why it cannot be done here; None if it can. Changes nothing."""
        ...

    def partition(self, direction: Direction) -> Proof:
        """Drop packets from now on; return once that is in force."""
        ...

    def reconnect(self) -> Proof:
        """Drop no more; the proof says whether nothing of ours is left. No effect on a site not cut off."""
        ...

    def partitioned(self) -> Proof:
        """Whether packets are being dropped now."""
        ...


@dataclass(frozen=True, slots=True)
class Slowness:
    """Half of `latency_seconds` is added each way; of the packets each way `loss_percent` are lost."""

    latency_seconds: float = 0.0
    loss_percent: float = 0.0
    rate_bits: int = 0


@runtime_checkable
class Slowable(Protocol):
    """A site whose network, and no other, can be made slow."""

    def cannot_slow(self, wanted: Slowness) -> str | None:
        """Why it cannot be done here; None if it can. Changes nothing."""
        ...

    def slow(self, wanted: Slowness) -> Proof:
        """Make it so; return once that is in force. Latency is added to connections made from now on."""
        ...

    def quicken(self) -> Proof:
        """Take all of it away; the proof says whether nothing is left. No effect where nothing is."""
        ...

    def slowed(self) -> Proof:
        """Whether anything of ours slows it now."""
        ...


@runtime_checkable
class HoldingVolumes(Protocol):
    """A site whose volumes can be worked on where they are, be what uses them running or not."""

    def own_folders(self, process: str) -> tuple[PurePosixPath, ...]:
        """Where, as that process sees it, volumes of the site's own lie."""
        ...

    def foreign_folders(self) -> tuple[PurePosixPath, ...]:
        """Folders, as `at_volume` sees them, on disks that are more than the site's."""
        ...

    def at_volume(self, process: str, script: str, *, limit_seconds: float) -> list[str]:
        """Run a POSIX shell script where the process has its folders; the lines it said."""
        ...


@runtime_checkable
class ReconnectingFenced(Protocol):
    """A site that we cannot reach while it is cut off, and that can be told so once more."""

    def reconnect_fenced(self) -> Proof:
        """Kill everything at the site, done by itself, and only then drop no more packets."""
        ...


@runtime_checkable
class Fencing(Protocol):
    """A site with a fence of its own, which says more than that everything there was killed."""

    def fence(self) -> Proof:
        """Keep the site from taking writes; return once that is proven, or with why it is not."""
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
