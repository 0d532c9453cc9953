"""The processes that a plan declares for a site: there is one of that name, and it gets ready."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sites.drivers.processes.readiness import Readiness, wait_until_ready
from sites.errors import SiteError


class Declared(Protocol):
    """What every kind of site knows of a process beforehand."""

    @property
    def ready(self) -> Readiness | None: ...
    @property
    def ready_seconds(self) -> float: ...


def require_declared(site: str, process: str, declared: Collection[str]) -> None:
    """Raises SiteError, naming those that there are."""
    if process not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise SiteError(f'site "{site}" has no process "{process}"; it has: {known}')


def require_ready(site: str, name: str, process: Declared) -> None:
    """Wait until it does its work, as its clients would find out. Raises SiteError if it does not in time."""
    reason = wait_until_ready(process.ready, process.ready_seconds) if process.ready else None
    if reason is not None:
        raise SiteError(
            f'process "{name}" at site "{site}" did not get ready: '
            f"not within {process.ready_seconds:g} s ({reason})"
        )
