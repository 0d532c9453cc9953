"""What can be done to a site's network that is its own. Partitionable and Slowable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sites.capability import Proof
from sites.drivers.processes.network import OwnNetwork
from sites.drivers.processes.record import SiteRecord
from sites.drivers.processes.slowing import Slowing
from sites.drivers.processes.spec import ProcessSpec
from sites.errors import SiteError
from sites.strikable import Direction, Slowness

_SHARED = "it shares the machine's network; with `network` it has one of its own"


class Networked(ABC):
    """One half of a site: the other runs its processes. `_network` is None where it shares the machine's."""

    name: str
    _network: OwnNetwork | None

    def cannot_partition(self) -> str | None:
        return self._network.why_not(self._record()) if self._network is not None else _SHARED

    def partition(self, direction: Direction) -> Proof:
        """Drop packets from now on; return once that is in force. Within the site all goes on."""
        if self._network is None:
            return Proof(False, f'site "{self.name}": {_SHARED}')
        return self._network.cut(self._record(), direction)

    def reconnect(self) -> Proof:
        if self._network is None:
            return Proof(True, f'site "{self.name}": {_SHARED}')
        return self._network.mend(self._record())

    def partitioned(self) -> Proof:
        if self._network is None:
            return Proof(False, f'site "{self.name}": {_SHARED}')
        return self._network.is_cut(self._record())

    def cannot_slow(self, wanted: Slowness) -> str | None:
        why = self.cannot_partition()
        return why if why is not None else self._slowing().why_not(wanted)

    def slow(self, wanted: Slowness) -> Proof:
        """Latency is added to TCP connections that others make from now on."""
        if (why := self.cannot_slow(wanted)) is not None:
            return Proof(False, f'site "{self.name}": {why}')
        return self._slowing().slow(wanted)

    def quicken(self) -> Proof:
        """What came through the relay has to connect anew. What has ended took all of it along."""
        gone = self._no_network()
        return Proof(True, gone) if gone is not None else self._slowing().quicken()

    def slowed(self) -> Proof:
        gone = self._no_network()
        return Proof(False, gone) if gone is not None else self._slowing().slowed()

    def _no_network(self) -> str | None:
        """Why nothing of ours can be there. That it cannot be asked is no reason."""
        record = self._record()
        if self._network is None or record is None or record.first() is None:
            return f'site "{self.name}" has no network that could be slow'
        return None

    def _slowing(self) -> Slowing:
        network, record = self._network, self._record()
        if network is None or record is None:
            raise SiteError(f'site "{self.name}" has no network that could be slow')

        def run(argv: Sequence[str]) -> tuple[int, str]:
            return network.inside(record, argv)

        return Slowing(self.name, str(network.address), run, self.launch, self.stop)

    @abstractmethod
    def _record(self) -> SiteRecord | None:
        """This life of the site."""

    @abstractmethod
    def launch(self, name: str, spec: ProcessSpec) -> None:
        """Start a process there that was not declared."""

    @abstractmethod
    def stop(self, process: str) -> None:
        """End a process there. No effect if it does not run."""
