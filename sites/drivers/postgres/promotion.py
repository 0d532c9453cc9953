"""Make a standby the writable one, and know by trying when it is."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from psycopg import errors

from sites.drivers.postgres.session import Session
from sites.drivers.postgres.writes import in_recovery, write

_POLL_SECONDS = 0.002
_RACY_INTERVAL_MS = 100
_RECEIVER_SECONDS_MAX = 1.0


async def promote(standby: Session) -> None:
    """Return once it has committed a write. No effect on a server that is writable already.

    Neither pg_promote(true) nor pg_ctl tells in time: they look only every 100 ms.
    """
    if await in_recovery(standby):
        await _let_the_receiver_go(standby)
        # Whoever asked before us and was killed may see it end just now; that it takes writes is tried below.
        with suppress(errors.ObjectNotInPrerequisiteState):
            await standby.value("SELECT pg_promote(false)")
    while not await _takes_a_write(standby):
        await asyncio.sleep(_POLL_SECONDS)


async def _takes_a_write(standby: Session) -> bool:
    if await in_recovery(standby):
        return False
    try:
        await write(standby)
    except errors.ReadOnlySqlTransaction:
        return False
    return True


async def _let_the_receiver_go(standby: Session) -> None:
    """A promotion within milliseconds of the primary's death may find the server just gone to sleep for
    `wal_retrieve_retry_interval`. Where that is long we wait until the receiver of changes has gone.
    """
    interval_ms = await standby.value(
        "SELECT setting::int FROM pg_settings WHERE name = 'wal_retrieve_retry_interval'"
    )
    give_up = time.monotonic() + _RECEIVER_SECONDS_MAX
    while interval_ms > _RACY_INTERVAL_MS and time.monotonic() < give_up:
        if not await standby.rows("SELECT 1 FROM pg_stat_wal_receiver"):
            return
        await asyncio.sleep(_POLL_SECONDS)
