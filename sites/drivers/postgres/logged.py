"""What a PostgreSQL dataset says of its log: how far it goes, how far a standby has come, and marks in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sites.capability import Mark, Position
from sites.drivers.postgres.dumped import DumpedPostgres
from sites.drivers.postgres.session import ServerLost, ServerRefused, ServerSilent, Session, session
from sites.errors import DatasetError

_ASK_SECONDS = 5.0
WRITER_TIMELINE = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int"
STANDBY_TIMELINE = """
    SELECT coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                    nullif((SELECT min_recovery_end_timeline FROM pg_control_recovery()), 0),
                    (SELECT timeline_id FROM pg_control_checkpoint()))
"""
_AHEAD = f"""
    SELECT pg_current_wal_flush_lsn()::text, (SELECT system_identifier FROM pg_control_system()),
           ({WRITER_TIMELINE})
"""  # noqa: S608  a constant of ours
_STANDBY = f"""
    SELECT coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text,
           pg_last_xact_replay_timestamp(), (SELECT system_identifier FROM pg_control_system()),
           ({STANDBY_TIMELINE})
"""  # noqa: S608  a constant of ours
_MARK = """
    SELECT now(), lsn::text, pg_walfile_name(lsn)
    FROM pg_logical_emit_message(true, 'blackstart', 'a mark: all before it is in this log') AS lsn
"""


class LoggedPostgres(DumpedPostgres):
    """The part of a PostgreSQL dataset that is about its log."""

    _answer_seconds: float

    def mark(self, site: str) -> Mark:
        """Commit a mark in the log of the copy there, and finish its segment, so that it is archived.

        Changes no data. Raises DatasetError.
        """

        async def act() -> Mark:
            async with session(self._login(site), _ASK_SECONDS) as server:
                [(taken, lsn, segment)] = await server.rows(_MARK)
                await server.rows("SELECT pg_switch_wal()")
                return Mark(taken.astimezone(UTC), str(lsn), str(segment))

        return self._ask("mark the log of", site, act())

    def next_transaction(self, site: str) -> int:
        """The number after that of the last transaction that wrote and has ended. Raises DatasetError."""

        async def act() -> int:
            async with session(self._login(site), _ASK_SECONDS) as server:
                return int(await server.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))

        return self._ask("ask the last transaction of", site, act())

    def position(self, site: str, primary: str) -> Position:
        """How far the standby at `site` has come. The one at `primary` is asked first, if it answers.

        Raises DatasetError when the copy at `site` cannot be asked, is no standby, or has another history:
        a position in one log says nothing of another, be it higher or lower.
        """

        async def act() -> Position:
            ahead = await _flushed(self, primary)
            async with session(self._login(site), _ASK_SECONDS) as standby:
                return await _position(standby, ahead)

        return self._ask("ask the position of", site, act())

    def follows(self, site: str, primary: str) -> Follows | None:
        """How the standby at `site` follows, and how far it has come; None where the primary is silent.

        Changes nothing. Raises DatasetError where nobody can tell.
        """

        async def act() -> Follows | None:
            ahead = await _flushed(self, primary, self._answer_seconds)
            if ahead is None:
                return None
            end = _bytes(ahead.lsn)
            try:
                async with session(self._login(site), self._answer_seconds) as standby:
                    position = await _position(standby, ahead)
                    receivers = await standby.rows("SELECT status FROM pg_stat_wal_receiver")
            except (ServerLost, ServerRefused, ServerSilent):
                return Follows(end, None, None)
            except DatasetError as error:
                return Follows(end, None, str(error))
            return Follows(end, _bytes(position.lsn), _not_streaming(receivers))

        return self._ask("ask whether anything follows at", site, act())


@dataclass(frozen=True, slots=True)
class Follows:
    """Where the primary's log ended (in bytes), and what a standby has of it: None, it did not say.

    `wrong`: why it gets no more of it. Neither: it does not let anybody in.
    """

    ahead: int
    have: int | None
    wrong: str | None


def _not_streaming(receivers: list[tuple[Any, ...]]) -> str | None:
    """A state that is hidden from this user says nothing."""
    if not receivers:
        return "the standby has no receiver: no changes reach it"
    status = receivers[0][0]
    return None if status in (None, "streaming") else f"its receiver is in state {status!r}"


def _bytes(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """Where the log of a primary ends on disk, and which log it is: nothing acknowledged is behind that."""

    lsn: str
    history: tuple[int, int]  # the cluster, by its identifier, and the timeline


async def _flushed(dataset: LoggedPostgres, site: str, limit_seconds: float = _ASK_SECONDS) -> _Ahead | None:
    """None: silence."""
    try:
        async with session(dataset._login(site), limit_seconds) as server:
            if await server.value("SELECT pg_is_in_recovery()"):
                return None
            [(lsn, cluster, timeline)] = await server.rows(_AHEAD)
            return _Ahead(str(lsn), (cluster, timeline))
    except (ServerLost, ServerRefused, ServerSilent):
        return None


async def _position(standby: Session, ahead: _Ahead | None) -> Position:
    if not await standby.value("SELECT pg_is_in_recovery()"):
        raise DatasetError(f"the server at {standby.address} is no standby")
    [(lsn, committed, *history)] = await standby.rows(_STANDBY)
    if lsn is None:
        raise DatasetError(f"the standby at {standby.address} does not say how far it has come")
    behind = None
    if ahead is not None:
        if tuple(history) != ahead.history:
            theirs, ours = (f"timeline {line} of cluster {which}" for which, line in (ahead.history, history))
            raise DatasetError(f"the standby at {standby.address} is on {ours}, its primary on {theirs}")
        behind = max(0, int(await standby.value("SELECT pg_wal_lsn_diff(%s, %s)", (ahead.lsn, lsn))))
    when: datetime | None = committed.astimezone(UTC) if committed is not None else None
    return Position(str(lsn), when, behind)
