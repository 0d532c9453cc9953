"""Keep a pgBackRest repository sound: read all of it again, drop what its own retention does not keep."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sites.drivers.pgbackrest.stanza import Stanza
from sites.errors import RepositoryDamaged
from sites.protection.history import Event, History, failure_kept
from sites.protection.stanza_point import newest


@dataclass(frozen=True, slots=True)
class Verified:
    """All of it was read. `said` is pgBackRest's own account of it."""

    repository: str
    said: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Expired:
    """`dropped` are the labels of the backups that are gone."""

    repository: str
    dropped: tuple[str, ...]
    seconds: float


def verify(stanza: Stanza, history: History) -> Verified:
    """Read everything and compare checksums, and see that the log has no gap.

    Raises RepositoryDamaged; `history` gets the outcome.
    """
    began = time.monotonic()
    with failure_kept(history, "reading", stanza.name):
        said = stanza.verify()
        if remarks := newest(stanza, datetime.now(UTC)).remarks:
            raise RepositoryDamaged(f'repository "{stanza.name}": {"; ".join(remarks)}')
    seconds = time.monotonic() - began
    history.append(Event("reading", stanza.name, "done", None, {"seconds": round(seconds, 3)}))
    return Verified(stanza.name, said, seconds)


def expire(stanza: Stanza, history: History) -> Expired:
    """Raises RepositoryError; `history` gets the outcome."""
    began = time.monotonic()
    with failure_kept(history, "retention", stanza.name):
        before = {base.label for base in stanza.info().sets}
        stanza.expire()
        dropped = tuple(sorted(before - {base.label for base in stanza.info().sets}))
    history.append(Event("retention", stanza.name, "done", None, {"forgotten": list(dropped)}))
    return Expired(stanza.name, dropped, time.monotonic() - began)
