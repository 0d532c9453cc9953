"""The recorder watching itself: stretches in which its own loop did not run, and the anchors to wall time."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime

from drills.recorder.ledger_thread import LedgerThread

ANCHOR_SECONDS = 60.0
# The verdict is about what lies between: a machine that was suspended there lost time by one clock alone.
ANCHORED = {"fault_begin", "stable"}
_COLLECT_SECONDS = 0.05
# Some clients leave cycles behind when an operation fails. So many take 2 ms to go through, and never more.
_OBJECTS_MAX = 5_000
_SURVIVED_MAX = 20
_STALL_NS_MIN = 5_000_000
_LATE_NS_DEFAULT = 100_000_000


def quiet_collector() -> None:
    """Stop the garbage collector from stopping everything: most operations leave no cycles behind.

    What lives now lives as long as the process. `collect_little` sees to what may pile up all the same.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


async def collect_little() -> None:
    """Collect what is young, a little at a time: all of it at once would be a stall."""
    while True:
        await asyncio.sleep(_COLLECT_SECONDS)
        young, survived, _ = gc.get_count()
        if young > _OBJECTS_MAX:
            gc.collect(1 if survived > _SURVIVED_MAX else 0)


def put_anchor(ledger: LedgerThread) -> None:
    ledger.put("anchor", utc=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))


async def anchor(ledger: LedgerThread) -> None:
    """Pair the clock with UTC every minute."""
    while True:
        await asyncio.sleep(ANCHOR_SECONDS)
        put_anchor(ledger)


async def feel(ledger: LedgerThread, late_ns: Callable[[], int | None]) -> None:
    """Record a `stall` whenever this loop was held up for an eighth of `late`, or 5 ms if that is more.

    While the machine sleeps the clock of the ledger stands still, and the service may be gone meanwhile. So
    that is a stall too, as long as the sleep was; it begins so much earlier, for there is no room after it.
    """
    while True:
        threshold_ns = max(_STALL_NS_MIN, (late_ns() or _LATE_NS_DEFAULT) // 8)
        tick_ns = threshold_ns // 2
        from_ns, asleep_ns = time.monotonic_ns(), _asleep_ns()
        await asyncio.sleep(tick_ns / 1e9)
        to_ns, slept_ns = time.monotonic_ns(), _asleep_ns() - asleep_ns
        if max(to_ns - from_ns - tick_ns, slept_ns) > threshold_ns:
            ledger.put("stall", from_ns=max(0, from_ns - max(0, slept_ns)), to_ns=to_ns)


def _asleep_ns() -> int:
    """How long this machine has slept since it was started, give or take a constant."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
