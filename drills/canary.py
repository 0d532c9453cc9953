"""A canary: numbered operations in an open loop, one every interval whatever the replies.

A number is announced in the ledger before it is sent, is sent at most once, and has one outcome.
"""

from __future__ import annotations

import asyncio
import time

from drills.deletions import Deletions
from drills.operations import Operations, Pace
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.schedule import Batch, Schedule
from drills.recorder.streak import Streak
from sites.capability import Client, Probe

FIRST_AFTER_NS = 300_000_000
ANNOUNCE_SECONDS = 0.05
GRACE_SECONDS = 1.0


class Canary:
    """Drives one stream through `client`."""

    def __init__(self, pace: Pace, client: Client | Probe, ledger: LedgerThread, streak: Streak) -> None:
        self.operations = Operations(pace, client, ledger, streak)
        self._pace = pace
        self._ledger = ledger
        self._deletions = (
            Deletions(pace, pace.delete_one_in, self.operations, ledger) if pace.delete_one_in else None
        )
        self._schedule = Schedule(time.monotonic_ns() + FIRST_AFTER_NS, pace.interval_ns)
        self._announced = 0
        self._may_send = 0
        self._stopping = False
        self._changed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def settled_count(self) -> int:
        return self.operations.settled_count

    @property
    def acknowledged_count(self) -> int:
        return self.operations.acknowledged_count

    @property
    def answered_count(self) -> int:
        """How many a server that runs confirmed, or refused by itself."""
        return self.operations.answered_count

    @property
    def lag_max_ns(self) -> int:
        return self.operations.lag_max_ns

    async def run(self) -> None:
        """Send until `stop`, and return when every announced number is sent and settled.

        Raises OSError in an exception group when the ledger's disk fails.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._announce())
            group.create_task(self._send())
        await self._settle()

    def stop(self) -> None:
        """Announce no more. What is announced is still sent: a number without an outcome proves nothing."""
        self._stopping = True
        self._changed.set()

    def withhold(self) -> None:
        """Send nothing more from now on. What is announced already fails here, unsent."""
        self.operations.withheld = True
        self.stop()

    async def _announce(self) -> None:
        while not self._stopping:
            seq = -1
            while batch := self._schedule.next_batch(self._announced, time.monotonic_ns()):
                seq = self._put_intents(batch)
                self._announced += batch.count
            if seq >= 0:
                announced = self._announced
                await self._ledger.durable(seq)
                self._may_send = announced
                self._changed.set()
            await asyncio.sleep(ANNOUNCE_SECONDS)

    def _put_intents(self, batch: Batch) -> int:
        seq, _ = self._ledger.put(
            "intents",
            stream=self._pace.stream,
            act=self._pace.act,
            first=batch.first,
            count=batch.count,
            scheduled_ns=batch.scheduled_ns,
            interval_ns=self._pace.interval_ns,
        )
        return seq

    async def _send(self) -> None:
        number = 0
        while await self._announced_durably(number):
            due_ns = self._schedule.due_ns(number)
            await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            while len(self._under_way) >= self._pace.in_flight_max:
                await self._change()
            task = asyncio.create_task(self._operate(number, due_ns))
            self._under_way.add(task)
            task.add_done_callback(self._operated)
            number += 1

    async def _announced_durably(self, number: int) -> bool:
        while number >= self._may_send:
            if self._stopping and number >= self._announced:
                return False
            await self._change()
        return True

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _operated(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._changed.set()

    async def _operate(self, number: int, due_ns: int) -> None:
        outcome = await self.operations.carry_out(self._pace.act, number, due_ns)
        if self._deletions and outcome.result == "acknowledged" and not self._stopping:
            self._deletions.consider(number)

    async def _settle(self) -> None:
        """Writes first: none of them begins a deletion any more."""
        await self._settled(self._under_way)
        if self._deletions:
            await self._settled(self._deletions.under_way)

    async def _settled(self, under_way: set[asyncio.Task[None]]) -> None:
        if not under_way:
            return
        limit_seconds = self._pace.limit_ns / 1e9 + GRACE_SECONDS
        _, overdue = await asyncio.wait(under_way, timeout=limit_seconds)
        for task in overdue:
            task.cancel()
        if overdue:
            await asyncio.wait(overdue)
