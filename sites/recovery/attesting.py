"""That one site takes writes and the other one refuses them, asked of the two servers themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from sites.capability import Proof
from sites.errors import RunbookError

_POLL_SECONDS = 0.05


class Writable(Protocol):
    """What says of a dataset whether it takes writes at a site; None where nobody knows."""

    def writable(self, site: str) -> bool | None: ...


class Asked(Writable, Protocol):
    """What answers for a dataset at each of its sites."""

    def refuses_write(self, site: str) -> Proof: ...


def require_writable(site: str, drivers: Mapping[str, Writable]) -> None:
    """Raises RunbookError for a copy that takes no writes, or of which nobody knows."""
    for name, driver in drivers.items():
        if driver.writable(site) is not True:
            raise RunbookError(f'dataset "{name}" takes no writes at site "{site}"')


def attest(name: str, asked: Asked, new: str, old: str, limit_seconds: float) -> None:
    """Raises RunbookError where it does not hold.

    A server that is starting up proves nothing yet: it is asked again, for as long as the limit. One that
    takes writes is not.
    """
    require_writable(new, {name: asked})
    refused(name, asked, old, limit_seconds)


def refused(name: str, asked: Asked, old: str, limit_seconds: float) -> None:
    """Raises RunbookError where writes are not refused there within the limit."""
    deadline = time.monotonic() + limit_seconds
    while not (proof := asked.refuses_write(old)).holds:
        if time.monotonic() >= deadline or asked.writable(old) is True:
            raise RunbookError(f'dataset "{name}" at site "{old}": {proof.how}')
        time.sleep(_POLL_SECONDS)
