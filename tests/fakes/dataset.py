"""A replicated dataset that exists only in memory. It keeps the real ones' contract: see tests/contract."""

from __future__ import annotations

from sites.capability import Proof
from sites.errors import DatasetError, SiteError


class FakeDataset:
    """Promotable. `writers` are the sites that take writes, `silent` those that do not answer at all."""

    def __init__(self, name: str, primary: str, standby: str, *, synchronous: bool = True) -> None:
        self.name = name
        self.synchronous = synchronous
        self.writers = {primary}
        self.down: set[str] = set()
        self.silent: set[str] = set()
        self.receiving = True
        self.calls: list[str] = []
        self._sites = (primary, standby)

    def promote(self, site: str, *, limit_seconds: float) -> None:
        self.calls.append(f"promote {site}")
        self._known(site)
        if site in self.down | self.silent:
            why = "refused" if site in self.down else f"did not answer within {limit_seconds:g} s"
            raise DatasetError(f'cannot promote dataset "{self.name}" at site "{site}": {why}')
        self.writers.add(site)

    def writable(self, site: str) -> bool | None:
        self._known(site)
        return None if site in self.down | self.silent else site in self.writers

    def refuses_write(self, site: str) -> Proof:
        self._known(site)
        if site in self.silent:
            return Proof(False, f"{site} did not answer: silence is no refused write")
        if site in self.down:
            return Proof(True, f"{site} refused the connection, and its processes are gone")
        taken = site in self.writers
        return Proof(
            not taken, f"{site} takes writes" if taken else f"{site} is in recovery and takes no writes"
        )

    def in_sync(self) -> Proof:
        if self.down or self.silent:
            return Proof(False, "cannot tell: not all copies can be asked")
        if len(self.writers) != 1:
            return Proof(False, "the copy is no standby: it takes writes itself")
        if not self.receiving:
            return Proof(False, "the standby has no receiver: no changes reach it")
        return Proof(True, "the standby streams")

    def _known(self, site: str) -> None:
        if site not in self._sites:
            has = ", ".join(self._sites)
            raise SiteError(f'dataset "{self.name}" has no copy at site "{site}"; it has: {has}')
