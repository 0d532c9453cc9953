"""That one site takes writes and the other one refuses them, asked of the two servers themselves."""

from __future__ import annotations

import time
from typing import Protocol

from sites.capability import Proof
from sites.errors import RunbookError

_POLL_SECONDS = 0.05


class Asked(Protocol):
    """What answers for a dataset at each of its sites."""

    def writable(self, site: str) -> bool | None: ...
    def refuses_write(self, site: str) -> Proof: ...


def attest(name: str, asked: Asked, new: str, old: str, limit_seconds: float) -> None:
    """Raises RunbookError where it does not hold.

    A server that is starting up proves nothing yet: it is asked again, for as long as the limit. One that
    takes writes is not.
    """
    if asked.writable(new) is not True:
        raise RunbookError(f'dataset "{name}" takes no writes at site "{new}"')
    deadline = time.monotonic() + limit_seconds
    while not (proof := asked.refuses_write(old)).holds:
        if time.monotonic() >= deadline or asked.writable(old) is True:
            raise RunbookError(f'dataset "{name}" at site "{old}": {proof.how}')
        time.sleep(_POLL_SECONDS)
