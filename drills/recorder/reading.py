"""Reading a stream back through the clients' address, until the reading is whole or time is up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drills.recorder.ledger_thread import LedgerThread
from rto_rpo.ledger.records import ROWS_MAX
from sites.capability import Client, ReadBack
from sites.errors import BlackstartError

PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The last answer that came, if any, and what was wrong with it or instead of it."""

    answer: ReadBack
    error: str | None


def unread(why: str) -> Reading:
    return Reading(ReadBack([], None, end=False), why)


async def read_back(client: Client, stream: str, limit_seconds: float) -> Reading:
    """Ask until count, end marker and rows agree, for at most `limit_seconds`. Raises nothing."""
    reading = unread("no answer came")
    try:
        async with asyncio.timeout(limit_seconds):
            pause_seconds = PAUSE_SECONDS_FIRST
            while True:
                reading = await _attempt(client, stream, reading)
                if reading.error is None:
                    return reading
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
    except TimeoutError:
        return reading


async def _attempt(client: Client, stream: str, before: Reading) -> Reading:
    try:
        answer = await client.read_back(stream)
    except BlackstartError as error:
        return Reading(before.answer, str(error))
    except Exception as error:  # noqa: BLE001 - a client that fails is a reading that does not count
        return Reading(before.answer, f"{type(error).__name__}: {error}")
    if not answer.end:
        return Reading(answer, "the end marker is missing")
    if answer.count != len(answer.rows):
        return Reading(answer, f"{len(answer.rows)} rows came where the source counts {answer.count}")
    return Reading(answer, None)


async def put_reading(ledger: LedgerThread, stream: str, reading: Reading) -> None:
    """Hand the reading to the ledger, piece by piece: the loop has other things to do."""
    rows = reading.answer.rows
    for first in range(0, len(rows), ROWS_MAX):
        part = rows[first : first + ROWS_MAX]
        ledger.put("read", stream=stream, rows=[[number, sha256] for number, sha256 in part])
        await asyncio.sleep(0)
    ledger.put(
        "readback",
        stream=stream,
        count=reading.answer.count,
        end=reading.answer.end,
        address=reading.answer.address,
        error=reading.error,
    )
