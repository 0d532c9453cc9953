"""The recorder's life: steady, fault, closing, closed. It ends by itself when nobody is left to end it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Literal

from drills.canary import Canary, Pace
from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recorder.history import OWN, History
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.pulse import anchor, collect_seldom, feel, put_anchor
from drills.recorder.reading import put_reading, read_back
from drills.recorder.streak import Streak
from rto_rpo.ledger.records import FIRST_PREV
from rto_rpo.ledger.validation import checked
from sites.capability import Client
from sites.drivers.http import HttpClient

Reason = Literal["stable", "deadline", "orphaned", "aborted"]
LATE_NS_MIN = 100_000_000
LOOK_SECONDS = 0.02
LEDGER_NAME = "ledger.jsonl"


class Refused(ValueError):
    """A request that cannot be granted now; the text says why."""


class _Stream:
    """One stream at work: its configuration, client, canary and streak."""

    def __init__(self, config: RecorderConfig, stream: StreamConfig, ledger: LedgerThread) -> None:
        self.config = stream
        self.client: Client = HttpClient(stream.client, run=config.run, limit_seconds=stream.limit_ns / 1e9)
        self.streak = Streak(stream.interval_ns, config.late_ns)
        pace = Pace(stream.name, config.seed, stream.interval_ns, stream.limit_ns, stream.in_flight_max)
        self.canary = Canary(pace, self.client, ledger, self.streak)


class Recorder:
    """Create it on the running loop, then await `run`. The other methods answer the orchestrator."""

    def __init__(self, config: RecorderConfig) -> None:
        self._config = config
        self._ledger = LedgerThread(config.folder / LEDGER_NAME)
        self._late_ns = config.late_ns
        self._history = History()
        self._born_ns = time.monotonic_ns()
        self._fault_begin_ns: int | None = None
        self._attached = False
        self._orphaned = False
        self._closing: asyncio.Task[str] | None = None
        self._ledger.put("header", **config.header_record(_boot()))
        put_anchor(self._ledger)
        self._streams = [_Stream(config, stream, self._ledger) for stream in config.streams]
        self._clients = [stream for stream in self._streams if stream.config.role == "clients"]
        self._work: list[asyncio.Task[None]] = []
        self._pulse: list[asyncio.Task[None]] = []
        self._sealed = False

    async def run(self) -> str:
        """Record until finished; returns the ledger's SHA-256. Raises OSError when its disk fails."""
        self._work = [asyncio.create_task(stream.canary.run()) for stream in self._streams]
        self._pulse = [
            asyncio.create_task(feel(self._ledger, lambda: self._late_ns)),
            asyncio.create_task(anchor(self._ledger)),
            asyncio.create_task(collect_seldom()),
        ]
        looking_after = asyncio.create_task(self._look_after())
        try:
            return await self._ledger.closed
        finally:
            for task in [looking_after, *self._pulse, *self._work]:
                task.cancel()
            for stream in self._streams:
                await stream.client.aclose()

    # What the orchestrator may ask for.

    def attach(self) -> None:
        self._attached = True
        self._orphaned = False

    def orphan(self) -> None:
        """The orchestrator is gone: go on alone."""
        self._orphaned = True

    async def event(self, name: str, source: str, detail: dict[str, Any], *, sync: bool) -> tuple[int, int]:
        """Record an event, stamped now. Returns its `seq` and `ns`.

        Raises ValueError when it may not come now or is malformed, OSError when the disk fails.
        """
        if name in OWN:
            raise Refused(f"event {name!r} is the recorder's own")
        seq, ns = self._put_event(name, source, detail)
        if name == "fault_begin":
            self._fault_begin_ns = ns
            for stream in self._clients:
                stream.streak.begin(ns)
        if sync:
            await self._ledger.durable(seq)
        return seq, ns

    async def freeze(self) -> int:
        """Fix `late` for good. Returns it in ns. Raises Refused when the service is not steady."""
        if not self._steady:
            raise Refused("the service is not steady: wait until it is before freezing `late`")
        if not self._history.has("steady"):
            self._put_event("steady", "recorder", {"seconds": self._streak_ns / 1e9})
        slowest_ns = max((stream.streak.slowest_ns for stream in self._clients), default=0)
        late_ns = self._config.late_ns or max(LATE_NS_MIN, 3 * slowest_ns)
        seq, _ = self._put_event("frozen", "recorder", {"late_ns": late_ns})
        self._late_ns = late_ns
        for stream in self._clients:
            stream.streak.late_ns = late_ns
        await self._ledger.durable(seq)
        return late_ns

    def state(self) -> dict[str, object]:
        """What is known now, for whoever waits on it."""
        canaries = [stream.canary for stream in self._streams]
        clients = [stream.canary for stream in self._clients]
        deadline_ns = self._deadline_ns
        return {
            "phase": self._phase,
            "steady": self._steady,
            "steady_seconds": self._streak_ns / 1e9,
            "stable": self._history.has("stable"),
            "served_seconds": self._streak_ns / 1e9,
            "operations": sum(canary.settled_count for canary in clients),
            "acknowledged": sum(canary.acknowledged_count for canary in clients),
            "late_ns": self._late_ns,
            "lag_max_seconds": max((canary.lag_max_ns for canary in canaries), default=0) / 1e9,
            "deadline_passed": deadline_ns is not None and time.monotonic_ns() > deadline_ns,
        }

    async def finish(self, reason: Reason) -> tuple[str, int]:
        """Stop, settle, read back, close. Returns SHA-256 and number of records. The first reason counts."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason))
        sha256 = await asyncio.shield(self._closing)
        return sha256, self._ledger.count

    # What it does by itself.

    @property
    def _phase(self) -> str:
        if self._ledger.closed.done():
            return "closed"
        if self._closing is not None:
            return "closing"
        return "steady" if self._fault_begin_ns is None else "fault"

    @property
    def _streak_ns(self) -> int:
        return min((stream.streak.length_ns for stream in self._clients), default=0)

    @property
    def _steady(self) -> bool:
        return self._fault_begin_ns is None and self._streak_ns >= self._config.steady_ns

    @property
    def _deadline_ns(self) -> int | None:
        return None if self._fault_begin_ns is None else self._fault_begin_ns + self._config.deadline_ns

    def _put_event(self, name: str, source: str, detail: dict[str, Any]) -> tuple[int, int]:
        refusal = self._history.refusal(name)
        if refusal is None and self._sealed:
            refusal = "the ledger is closed"
        if refusal:
            raise Refused(refusal)
        fields = {"event": name, "source": source, "detail": detail}
        checked(self._ledger.count + 1, {"seq": 0, "ns": 0, "prev": FIRST_PREV, "kind": "event", **fields})
        self._history.add(name)
        return self._ledger.put("event", **fields)

    async def _look_after(self) -> None:
        while self._closing is None:
            self._notice()
            if self._left_alone:
                await self.finish("orphaned")
            elif time.monotonic_ns() > self._born_ns + self._config.lifetime_ns:
                await self.finish("deadline")
            await asyncio.sleep(LOOK_SECONDS)

    def _notice(self) -> None:
        served = self._fault_begin_ns is not None and self._streak_ns >= self._config.stable_ns
        if served and not self._history.has("stable"):
            self._put_event("stable", "recorder", {"seconds": self._streak_ns / 1e9})

    @property
    def _left_alone(self) -> bool:
        """Whether nobody will end this run and nothing more is to be seen."""
        now_ns = time.monotonic_ns()
        if not self._attached:
            return now_ns > self._born_ns + self._config.attach_ns
        if not self._orphaned:
            return False
        deadline_ns = self._deadline_ns
        return deadline_ns is None or self._history.has("stable") or now_ns > deadline_ns

    async def _close(self, reason: Reason) -> str:
        for stream in self._streams:
            stream.canary.stop()
        await asyncio.gather(*self._work, return_exceptions=True)
        for stream in self._clients:
            reading = await read_back(stream.client, stream.config.name, self._config.read_back_ns / 1e9)
            put_reading(self._ledger, stream.config.name, reading)
        self._seal(reason)
        return await self._ledger.close()

    def _seal(self, reason: Reason) -> None:
        """Write the last record, and see to it that it stays the last."""
        self._sealed = True
        for task in self._pulse:
            task.cancel()
        put_anchor(self._ledger)
        self._ledger.put("end", reason=reason)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
