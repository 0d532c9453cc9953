"""What can be done to a site by those who mean to break it, and taken back again: small protocols.

A driver has those that it can honestly keep. All calls block; all of them may raise a `BlackstartError`.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol, runtime_checkable

from sites.capability import Proof

Direction = Literal["both", "inbound", "outbound"]


@runtime_checkable
class KillingOne(Protocol):
    """A site of which one process can be lost, with whatever it started, while the others go on."""

    def kill_process(self, process: str) -> Proof:
        """SIGKILL; return once it is proven gone. A process that does not run is gone."""
        ...


@runtime_checkable
class Listening(Protocol):
    """A site that can say what would not be reached any more without one process of it."""

    def listening(self, process: str) -> set[int]:
        """The TCP ports on which it listens, at its machine. Raises where all of them cannot be told."""
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
