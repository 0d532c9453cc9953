"""Whether a PostgreSQL server takes a write, and whether it can be proven that it does not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import psycopg
from psycopg import errors

from sites.capability import Proof
from sites.drivers.postgres.session import Login, ServerLost, ServerRefused, ServerSilent, Session, session

# Our own writes never wait for a standby: what is asked is whether this server takes them.
LOCAL_COMMIT = "-c synchronous_commit=local"

Opened = Callable[[Login, float], AbstractAsyncContextManager[Session]]

SCHEMA = "CREATE SCHEMA IF NOT EXISTS blackstart"
_TABLE = "CREATE TABLE IF NOT EXISTS blackstart.write_probe (id int PRIMARY KEY, at timestamptz NOT NULL)"
_WRITE = (
    "INSERT INTO blackstart.write_probe VALUES (1, clock_timestamp()) "
    "ON CONFLICT (id) DO UPDATE SET at = excluded.at"
)


async def in_recovery(asked: Session) -> bool:
    return bool(await asked.value("SELECT pg_is_in_recovery()"))


async def write(asked: Session) -> None:
    """Commit one row, for real. Raises psycopg.Error if the server does not take it."""
    try:
        await asked.rows(_WRITE)
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        await asked.rows(SCHEMA)
        await asked.rows(_TABLE)
        await asked.rows(_WRITE)


async def writable(login: Login, limit_seconds: float, opened: Opened = session) -> bool | None:
    """Not in recovery, and a write was committed. None if that cannot be found out.

    A server out of recovery that fails a write for any reason but being read-only may take the next one: a
    full disk or a missing privilege proves nothing.
    """
    try:
        async with opened(login, limit_seconds) as asked:
            if await in_recovery(asked):
                return False
            await write(asked)
    except errors.ReadOnlySqlTransaction:
        return False
    except (ServerRefused, ServerSilent, ServerLost, psycopg.Error):
        return None
    return True


async def refuses_write(login: Login, limit_seconds: float) -> Proof:
    """A read-only answer is a proof; silence, a missing route and a closed port are none.

    A firewall refuses like a machine on which nobody listens, and a server whose port is closed may be
    reached by another address. `closed` in the detail is for whoever can prove that the server is gone.
    """
    began = time.monotonic()
    unreachable = await _knock(login, limit_seconds)
    if unreachable is not None:
        return unreachable
    try:
        async with session(login, limit_seconds - (time.monotonic() - began)) as asked:
            return await _try(asked)
    except (ServerRefused, ServerSilent, ServerLost) as error:
        return Proof(False, f"{error}: that is no refused write")


async def _try(asked: Session) -> Proof:
    where: dict[str, object] = {"address": asked.address}
    if await in_recovery(asked):
        return Proof(True, f"{asked.address} is in recovery and takes no writes", where)
    try:  # whatever the server's default is: a session that is open already may write all the same
        await asked.rows("BEGIN READ WRITE")
        await asked.rows(_WRITE)
        await asked.rows("ROLLBACK")
    except errors.ReadOnlySqlTransaction as error:
        return Proof(True, f"{asked.address} refused a write: {error.diag.message_primary}", where)
    except psycopg.Error as error:
        how = f"{asked.address} is not in recovery, and its answer to a write was no refusal: {error}"
        return Proof(False, how, where)
    return Proof(False, f"{asked.address} takes writes", {**where, "takes_writes": True})


async def _knock(login: Login, limit_seconds: float) -> Proof | None:
    """Try each address of the host. None if one of them answers; else what its silence is worth."""
    try:
        async with asyncio.timeout(limit_seconds):
            kind = socket.SOCK_STREAM
            found = await asyncio.get_running_loop().getaddrinfo(login.host, login.port, type=kind)
            for *_, where in found:
                try:
                    _, line = await asyncio.open_connection(str(where[0]), login.port)
                except ConnectionRefusedError:
                    continue
                line.close()
                return None
    except TimeoutError:
        return Proof(
            False, f"{login.address} did not answer within {limit_seconds:g} s: silence is no refused write"
        )
    except OSError as error:
        return Proof(False, f"{login.address} cannot be reached ({error}): that is no refused write")
    closed: dict[str, object] = {"address": login.address, "closed": True}
    return Proof(False, f"{login.address} refused the connection: a closed port is no refused write", closed)
