"""A relay that holds back what goes through it: every byte reaches the other side so much later.

Connections are sent here by a packet rule; where each was meant to go is asked of the kernel. Standard
library only, for it runs inside a site: relay.py PORT DELAY_SECONDS
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

_SO_ORIGINAL_DST = 80  # of Linux's netfilter; the socket module does not name it
_ADDRESS_BYTES = 16
_CHUNK_BYTES = 1 << 16
_AT_ONCE_MAX = 1024  # chunks on their way; more would be memory without end


class Relay:
    """`delay_seconds` holds for each way, in the order in which things came."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._joined, "0.0.0.0", port)  # noqa: S104  what is sent here has any address
        async with server:
            await server.serve_forever()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*meant_for(writer.get_extra_info("socket")))
        except OSError:
            writer.transport.abort()  # as the refusal that it would have been
            return
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer), return_exceptions=True)
        for end in (writer, back):
            end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What is read is written when its time has come; reading goes on meanwhile."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_AT_ONCE_MAX)
        clock = asyncio.get_running_loop().time

        async def read() -> None:
            chunk = b"-"
            while chunk:
                chunk = await reader.read(_CHUNK_BYTES)
                await under_way.put((clock() + self._delay_seconds, chunk))

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, chunk = await under_way.get()
                await asyncio.sleep(due - clock())
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
        finally:
            reading.cancel()
        with contextlib.suppress(OSError):
            writer.write_eof()


def meant_for(line: socket.socket) -> tuple[str, int]:
    """Where a connection was meant to go before it was sent here. Raises OSError."""
    told = line.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, _ADDRESS_BYTES)
    port, address = struct.unpack("!2xH4s8x", told)
    return socket.inet_ntoa(address), port


if __name__ == "__main__":
    asyncio.run(Relay(float(sys.argv[2])).serve(int(sys.argv[1])))
