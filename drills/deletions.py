"""Deleting some of what was written, so that a write which comes back from the dead is seen.

Only a write that was acknowledged is deleted. A deletion is a numbered operation like any other: announced,
due at an instant fixed before it is sent, sent once.
"""

from __future__ import annotations

import asyncio
import time

from drills.operations import Operations, Pace
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.schedule import AHEAD_NS


class Deletions:
    """Deletes one acknowledged write in `one_in`. `under_way` is what was announced and has not settled."""

    def __init__(self, pace: Pace, one_in: int, operations: Operations, ledger: LedgerThread) -> None:
        self.under_way: set[asyncio.Task[None]] = set()
        self._pace = pace
        self._one_in = one_in
        self._operations = operations
        self._ledger = ledger
        self._acknowledged = 0
        self._due_ns = 0

    def consider(self, number: int) -> None:
        """Announce the deletion of a write that was acknowledged, if its turn has come."""
        self._acknowledged += 1
        if self._acknowledged % self._one_in:
            return
        # Never two at once, however many acknowledgements a service that was held up sends in one go.
        earliest_ns = self._due_ns + self._pace.interval_ns
        self._due_ns = max(earliest_ns, time.monotonic_ns() + AHEAD_NS)
        seq, _ = self._ledger.put(
            "intents",
            stream=self._pace.stream,
            act="delete",
            first=number,
            count=1,
            scheduled_ns=self._due_ns,
            interval_ns=self._pace.interval_ns,
        )
        task = asyncio.create_task(self._delete(number, self._due_ns, seq))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def _delete(self, number: int, due_ns: int, seq: int) -> None:
        await self._ledger.durable(seq)
        await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        await self._operations.carry_out("delete", number, due_ns)
