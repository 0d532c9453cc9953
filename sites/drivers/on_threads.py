"""What blocks is waited for on threads, never by the loop of whoever asks, and within a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sites.capability import Outcome

WORKERS_MAX = 32
_T = TypeVar("_T")


class OnThreads:
    """`limit_seconds` is that of one operation, `read_limit_seconds` that of one reading."""

    def __init__(self, workers: int, limit_seconds: float, read_limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._read_limit_seconds = read_limit_seconds
        self._pool = ThreadPoolExecutor(min(workers, WORKERS_MAX), thread_name_prefix="marks")

    async def operate(self, act: Callable[[], Outcome], address: str) -> Outcome:
        """How it ended; indeterminate where that is not known in time, for the thread goes on."""
        try:
            return await self._within(self._limit_seconds, act)
        except TimeoutError:
            return Outcome("indeterminate", "timeout", address)

    async def read(self, act: Callable[[], _T]) -> _T:
        """Raises TimeoutError, and what `act` raises."""
        return await self._within(self._read_limit_seconds, act)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _within(self, limit_seconds: float, act: Callable[[], _T]) -> _T:
        async with asyncio.timeout(limit_seconds):
            return await asyncio.get_running_loop().run_in_executor(self._pool, act)
