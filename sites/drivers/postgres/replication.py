"""Whether what is committed at the primary reaches its standby: by trying, not by flags alone.

A receiver that was stopped still counts as streaming in every view, so a fresh change is followed to the
standby's disk.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from sites.capability import Proof
from sites.drivers.postgres.session import Session
from sites.drivers.postgres.writes import in_recovery, write

_POLL_SECONDS = 0.005
_SENDER = """
    SELECT r.application_name, r.state, r.sync_state, s.slot_name, s.wal_status,
           pg_wal_lsn_diff(pg_current_wal_lsn(), r.flush_lsn)::bigint
    FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
    WHERE s.slot_name IS NOT DISTINCT FROM %s
"""


@dataclass(frozen=True, slots=True)
class _Sender:
    """What the primary says of the connection that feeds the standby."""

    application_name: str
    state: str | None
    sync_state: str | None
    slot: str | None
    wal_status: str | None
    lag_bytes: int | None


async def in_sync(primary: Session, standby: Session, *, synchronous: bool, limit_seconds: float) -> Proof:
    """Whether the standby streams, is waited for (`synchronous`), and can catch up from its slot."""
    detail: dict[str, object] = {"primary": primary.address, "standby": standby.address}
    if not await in_recovery(standby):
        return Proof(False, f"the copy at {standby.address} is no standby: it takes writes itself", detail)
    receivers = await standby.rows("SELECT status, slot_name, received_tli FROM pg_stat_wal_receiver")
    if not receivers:
        return Proof(False, f"the standby at {standby.address} has no receiver: no changes reach it", detail)
    status, slot, timeline = receivers[0]
    detail |= {"receiver": status, "slot": slot, "timeline": timeline}
    senders = [_Sender(*row) for row in await primary.rows(_SENDER, [slot or None])]
    if not senders:
        how = f"the primary at {primary.address} feeds nobody through the standby's slot {slot!r}"
        return Proof(False, how, detail)
    sender = senders[0]
    detail |= {
        "sync_state": sender.sync_state,
        "wal_status": sender.wal_status,
        "lag_bytes": sender.lag_bytes,
    }
    if (wrong := _wrong(sender, status, synchronous=synchronous)) is not None:
        return Proof(False, wrong, detail)
    milliseconds = await _follow(primary, standby, limit_seconds)
    if milliseconds is None:
        return Proof(False, f"a change did not reach the standby's disk within {limit_seconds:g} s", detail)
    waited = "and commits wait for it" if synchronous else "but commits do not wait for it"
    return Proof(
        True, f"the standby {sender.application_name!r} streams, {waited}", {**detail, "ms": milliseconds}
    )


def _wrong(sender: _Sender, receiver_status: str | None, *, synchronous: bool) -> str | None:
    if sender.state is None or receiver_status is None:
        return "the state of replication is hidden from this user: it needs the role pg_monitor"
    if sender.state != "streaming" or receiver_status != "streaming":
        return f"the sender is in state {sender.state!r}, the receiver in state {receiver_status!r}"
    if synchronous and sender.sync_state not in {"sync", "quorum"}:
        return f"commits do not wait for the standby: its sync_state is {sender.sync_state!r}"
    if sender.slot is not None and sender.wal_status != "reserved":
        return f"slot {sender.slot!r} is in state {sender.wal_status!r}: the standby may never catch up"
    return None


async def _follow(primary: Session, standby: Session, limit_seconds: float) -> float | None:
    """Milliseconds until a fresh change of the primary was flushed by the standby; None if it was not."""
    await write(primary)
    began = time.monotonic()
    position = await primary.value("SELECT pg_current_wal_lsn()::text")
    while time.monotonic() - began < limit_seconds:
        if await standby.value("SELECT pg_last_wal_receive_lsn() >= %s::pg_lsn", [position]):
            return round((time.monotonic() - began) * 1000, 3)
        await asyncio.sleep(_POLL_SECONDS)
    return None
