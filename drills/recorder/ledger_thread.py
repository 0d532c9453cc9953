"""The ledger's writer, on a thread of its own: the sending loop never waits for a disk.

The loop hands records over in order and goes on. The thread turns them into JSON, hashes and writes
them every tenth of a second, and fsyncs when somebody waits for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from rto_rpo.ledger.writer import LedgerWriter

FLUSH_SECONDS = 0.1


class LedgerThread:
    """Belongs to the running loop: call everything from there."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = LedgerWriter(path)
        self._records: deque[dict[str, Any]] = deque()
        self._handed = 0
        self._durable = -1
        self._wanted = -1
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._wake = threading.Event()
        self._closing = False
        self.closed: asyncio.Future[str] = self._loop.create_future()
        threading.Thread(target=self._work, name="ledger", daemon=True).start()

    @property
    def count(self) -> int:
        """Records handed over so far."""
        return self._handed

    def put(self, kind: str, **fields: Any) -> tuple[int, int]:  # noqa: ANN401 - a record's fields vary by kind
        """Stamp a record with the clock and hand it over. Returns its `seq` and `ns`."""
        seq, ns = self._handed, time.monotonic_ns()
        self._handed += 1
        self._records.append({"ns": ns, "kind": kind, **fields})
        return seq, ns

    async def durable(self, seq: int) -> None:
        """Return once record `seq` is fsynced. Raises OSError when the disk failed."""
        if self.closed.done():
            self.closed.result()
        if seq <= self._durable:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((seq, waiter))
        self._wanted = max(self._wanted, seq)
        self._wake.set()
        await waiter

    async def close(self) -> str:
        """Write and fsync what was handed over; returns the SHA-256 of the file in hex."""
        self._closing = True
        self._wake.set()
        return await asyncio.shield(self.closed)

    def _work(self) -> None:
        try:
            while not (self._closing and not self._records):
                self._wake.wait(FLUSH_SECONDS)
                self._wake.clear()
                self._write()
            sha256 = self._writer.close()
        except Exception as error:  # noqa: BLE001 - the loop raises it wherever the ledger is waited for
            self._loop.call_soon_threadsafe(self._end, error, "")
        else:
            self._loop.call_soon_threadsafe(self._end, None, sha256)

    def _write(self) -> None:
        wanted, written = self._wanted, self._durable
        while self._records:
            written = self._writer.append(self._records.popleft())
        if wanted > self._durable:
            self._writer.sync()
            self._durable = written
            self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        ready = [waiter for seq, waiter in self._waiting if seq <= self._durable]
        self._waiting = [(seq, waiter) for seq, waiter in self._waiting if seq > self._durable]
        for waiter in ready:
            if not waiter.done():
                waiter.set_result(None)

    def _end(self, error: Exception | None, sha256: str) -> None:
        if error is None:
            self.closed.set_result(sha256)
        else:
            self.closed.set_exception(error)
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(error or OSError("the ledger was closed"))
        self._waiting = []
