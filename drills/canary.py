"""A canary: numbered writes in an open loop, one every interval whatever the replies.

A number is announced in the ledger before it is sent, is sent at most once, and has one outcome.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from drills.payload import digest, payload
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.schedule import Batch, Schedule
from drills.recorder.streak import Streak
from sites.capability import Client, Outcome

FIRST_AFTER_NS = 300_000_000
ANNOUNCE_SECONDS = 0.05
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream is driven. `in_flight_max` bounds what a dead service can pile up."""

    stream: str
    seed: int
    interval_ns: int
    limit_ns: int
    in_flight_max: int


class Canary:
    """Drives one stream through `client`. Counters are for whoever watches; the ledger is the evidence."""

    def __init__(self, pace: Pace, client: Client, ledger: LedgerThread, streak: Streak) -> None:
        self.settled_count = 0
        self.acknowledged_count = 0
        self.lag_max_ns = 0
        self._pace = pace
        self._client = client
        self._ledger = ledger
        self._streak = streak
        self._schedule = Schedule(time.monotonic_ns() + FIRST_AFTER_NS, pace.interval_ns)
        self._announced = 0
        self._may_send = 0
        self._stopping = False
        self._changed = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

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
            act="write",
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
        data = payload(self._pace.seed, self._pace.stream, number)
        outcome = Outcome("indeterminate", "timeout")
        sent_ns = time.monotonic_ns()
        self._streak.sent(number, sent_ns)
        try:
            outcome = await self._client.write(self._pace.stream, number, data)
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the operation has an outcome
            outcome = Outcome("indeterminate", f"error {type(error).__name__}")
        finally:
            self._record(number, digest(data), (due_ns, sent_ns, time.monotonic_ns()), outcome)

    def _record(self, number: int, sha256: str, times_ns: tuple[int, int, int], outcome: Outcome) -> None:
        due_ns, sent_ns, completed_ns = times_ns
        self._ledger.put(
            "operation",
            stream=self._pace.stream,
            number=number,
            act="write",
            payload=sha256,
            scheduled_ns=due_ns,
            sent_ns=sent_ns,
            completed_ns=completed_ns,
            outcome=outcome.result,
            cause=outcome.cause,
            address=outcome.address,
        )
        acknowledged = outcome.result == "acknowledged"
        self.settled_count += 1
        self.acknowledged_count += acknowledged
        self.lag_max_ns = max(self.lag_max_ns, sent_ns - due_ns)
        self._streak.settled(number, completed_ns, acknowledged=acknowledged)

    async def _settle(self) -> None:
        if not self._under_way:
            return
        limit_seconds = self._pace.limit_ns / 1e9 + GRACE_SECONDS
        _, overdue = await asyncio.wait(self._under_way, timeout=limit_seconds)
        for task in overdue:
            task.cancel()
        if overdue:
            await asyncio.wait(overdue)
