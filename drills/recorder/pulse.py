"""The recorder watching itself: stretches in which its own loop did not run, and the anchors to wall time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from drills.recorder.ledger_thread import LedgerThread

ANCHOR_SECONDS = 60.0
_STALL_NS_MIN = 5_000_000
_LATE_NS_DEFAULT = 100_000_000


def put_anchor(ledger: LedgerThread) -> None:
    ledger.put("anchor", utc=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))


async def anchor(ledger: LedgerThread) -> None:
    """Pair the clock with UTC every minute."""
    while True:
        await asyncio.sleep(ANCHOR_SECONDS)
        put_anchor(ledger)


async def feel(ledger: LedgerThread, late_ns: Callable[[], int | None]) -> None:
    """Record a `stall` whenever this loop was held up for an eighth of `late`, or 5 ms if that is more."""
    while True:
        threshold_ns = max(_STALL_NS_MIN, (late_ns() or _LATE_NS_DEFAULT) // 8)
        tick_ns = threshold_ns // 2
        from_ns = time.monotonic_ns()
        await asyncio.sleep(tick_ns / 1e9)
        to_ns = time.monotonic_ns()
        if to_ns - from_ns - tick_ns > threshold_ns:
            ledger.put("stall", from_ns=from_ns, to_ns=to_ns)
