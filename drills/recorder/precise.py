"""An event loop whose timers are good to microseconds.

epoll counts in whole milliseconds, so a plain loop sends half a millisecond late on average. An epoll
descriptor can itself be waited for with select, which counts in microseconds.
"""

from __future__ import annotations

import asyncio
import select
import selectors


class _PreciseSelector(selectors.EpollSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            ready, _, _ = select.select([self.fileno()], [], [], timeout)
            if not ready:
                return []
            timeout = 0
        return super().select(timeout)


def precise_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(_PreciseSelector())
