"""What a primary must have for its standby: a checkpoint of its own timeline, a slot, commits that wait.

None of it comes along with a promotion: slots and whom commits wait for are each server's own.
"""

from __future__ import annotations

import asyncio

from psycopg import sql

from sites.capability import Proof
from sites.drivers.postgres.session import Session
from sites.drivers.postgres.writes import in_recovery
from sites.errors import DatasetError

_POLL_SECONDS = 0.005
_SLOT = "SELECT active, coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = %s"
# The names of its files, without the timeline, count in segments.
_OLDEST = """
    SELECT min((('x' || substr(name, 9, 8))::bit(32)::bigint << 32)
               + ('x' || substr(name, 17, 8))::bit(32)::bigint
                 * (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'))
    FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'
"""
_WAITED_FOR = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
_SENDERS = """
    SELECT r.application_name, r.sync_state, s.slot_name
    FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
"""
_WAIT_FOR_NOBODY = ("off", "local")
_SHOW = "SELECT setting FROM pg_settings WHERE name = 'synchronous_standby_names'"


async def host_standby(primary: Session, replicator: Session, slot: str) -> int:
    """Get a primary ready to be copied from and followed; from which position on it has all changes.

    Without the checkpoint pg_rewind (15) takes the control file's word for the timeline, which is the one
    from before the promotion, and finds nothing to rewind on a server that has diverged.
    """
    if not await in_recovery(primary):
        await primary.rows("CHECKPOINT")
    found = await primary.rows(_SLOT, [slot])
    if found and found[0] == (False, "lost"):
        await replicator.rows("SELECT pg_drop_replication_slot(%s)", [slot])
        found = []
    if not found:
        await replicator.rows("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
    return int(await primary.value(_OLDEST))


async def drop_slot(server: Session, replicator: Session, slot: str) -> None:
    """A slot that nobody uses any more would keep changes until the disk is full. No effect if not there."""
    if await server.rows(_SLOT, [slot]):
        await replicator.rows("SELECT pg_drop_replication_slot(%s)", [slot])


async def wait_for_standby(primary: Session, name: str) -> None:
    """Make commits wait for the standby `name`: as the server's own file says, else for that one alone."""
    await primary.rows("ALTER SYSTEM RESET synchronous_standby_names")
    await _reload(primary)
    if await primary.value(_SHOW):
        return
    names = sql.Literal(f'FIRST 1 ("{name}")')
    await primary.rows(sql.SQL("ALTER SYSTEM SET synchronous_standby_names TO {}").format(names))
    await _reload(primary)
    while not await primary.value(_SHOW):
        await asyncio.sleep(_POLL_SECONDS)


async def wait_for_nobody(primary: Session) -> None:
    """Commits wait for no standby from now on; those that wait already are let go."""
    await primary.rows("ALTER SYSTEM SET synchronous_standby_names TO ''")
    await _reload(primary)


async def waits_in_vain(primary: Session) -> bool:
    """Whether commits have to wait for a standby, and none is connected that they could wait for."""
    if await in_recovery(primary) or not await primary.value(_SHOW):
        return False
    return not await primary.value(_WAITED_FOR)


async def waits_for(primary: Session, standby: Session) -> Proof:
    """Whether all that is acknowledged is on that standby's disk. Nothing is, while commits wait in vain.

    `primary` is asked as clients are: what its user or database says of `synchronous_commit` counts.
    """
    if await in_recovery(primary):
        raise DatasetError(f"{primary.address} is a standby itself")
    if not await primary.value(_SHOW):
        return Proof(False, "its server waits for nobody: synchronous_standby_names is empty")
    if (commit := await primary.value("SHOW synchronous_commit")) in _WAIT_FOR_NOBODY:
        return Proof(False, f"its server waits for nobody: synchronous_commit is {commit}")
    senders = await primary.rows(_SENDERS)
    if any(state is None for _, state, _ in senders):
        raise DatasetError("the state of replication is hidden from this user: it needs the role pg_monitor")
    receivers = await standby.rows("SELECT slot_name FROM pg_stat_wal_receiver")
    own = [(slot or None) for (slot,) in receivers]
    waited = [(name, slot) for name, state, slot in senders if state in ("sync", "quorum")]
    for name, slot in waited:
        if slot not in own:
            return Proof(False, f"its server is content with another standby: {name!r}")
    return Proof(True, "commits wait for the standby" if waited else "commits wait until there is a standby")


async def replayed(standby: Session) -> int:
    """How far a standby has come: the end of the last change that it has applied."""
    position = await standby.value("SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint")
    if position is None:
        raise DatasetError(f"{standby.address} is no standby, or has applied nothing yet")
    return int(position)


async def _reload(server: Session) -> None:
    """Return once this very session works with the new settings: a reload is only asked for."""
    before = await server.value("SELECT pg_conf_load_time()")
    await server.rows("SELECT pg_reload_conf()")
    while await server.value("SELECT pg_conf_load_time()") == before:
        await asyncio.sleep(_POLL_SECONDS)
