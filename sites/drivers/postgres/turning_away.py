"""Whether a server that lets us not in lets nobody in: it starts or stops, and is not merely full.

libpq hands on the server's words alone, in whatever language that speaks; the code that goes with them is in
the server's answer to the first message of any client.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final

CANNOT_CONNECT_NOW: Final = "57P03"
_IN_ENGLISH: Final = (
    "starting up",
    "shutting down",
    "in recovery mode",
    "not yet accepting connections",
    "not accepting connections",
)
_PROTOCOL: Final = 3 << 16
_ASK_SECONDS_MAX: Final = 0.5
_ANSWER_BYTES_MAX: Final = 10_000


async def lets_nobody_in(
    said: str, host: str, port: int, user: str, database: str, limit_seconds: float
) -> bool:
    """By what it `said`; where that is not English it is asked again, for half a second at most."""
    if any(f"the database system is {state}" in said for state in _IN_ENGLISH):
        return True
    try:
        async with asyncio.timeout(max(0.0, min(limit_seconds, _ASK_SECONDS_MAX))):
            return await _code(host, port, user, database) == CANNOT_CONNECT_NOW
    except (OSError, EOFError, ValueError):  # TimeoutError is an OSError
        return False


async def _code(host: str, port: int, user: str, database: str) -> str | None:
    """The code of its error; None where it answers with anything else."""
    names = b"".join(part.encode() + b"\0" for part in ("user", user, "database", database, ""))
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack("!II", 8 + len(names), _PROTOCOL) + names)
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        if kind != b"E" or not 4 <= length <= _ANSWER_BYTES_MAX:
            return None
        fields = (await reader.readexactly(length - 4)).split(b"\0")
        return next((each[1:].decode("ascii") for each in fields if each[:1] == b"C"), None)
    finally:
        writer.close()
