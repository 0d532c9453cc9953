"""The recorder's life: steady, fault, closing, closed. It ends by itself when nobody is left to end it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Literal, cast

from drills.canary import Canary
from drills.clients import open_client
from drills.operations import Pace
from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recorder.history import OWN
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.progress import Limits, Progress
from drills.recorder.pulse import ANCHORED, anchor, collect_little, feel, put_anchor
from drills.recorder.reading import Reading, put_reading, read_back, unread
from drills.recorder.streak import Streak
from rto_rpo.evidence.names import LEDGER_NAME
from rto_rpo.ledger.records import FIRST_PREV, Role
from rto_rpo.ledger.validation import checked
from sites.capability import Client

Reason = Literal["stable", "deadline", "orphaned", "aborted"]
LOOK_SECONDS = 0.02


class Refused(ValueError):
    """A request that cannot be granted now; the text says why."""


class _Stream:
    """One stream at work: its configuration, client, canary and streak."""

    def __init__(self, config: RecorderConfig, stream: StreamConfig, ledger: LedgerThread) -> None:
        self.config = stream
        self.client = open_client(
            stream.client,
            run=config.run,
            limit_seconds=stream.limit_ns / 1e9,
            in_flight_max=stream.in_flight_max,
            clients=stream.clients,
        )
        self.streak = Streak(stream.interval_ns, config.late_ns)
        pace = Pace(
            stream.name,
            config.seed,
            stream.interval_ns,
            stream.limit_ns,
            stream.in_flight_max,
            act="read" if stream.role == "control" else "write",
            payload_bytes=stream.payload_bytes,
            delete_one_in=stream.delete_one_in,
        )
        self.canary = Canary(pace, self.client, ledger, self.streak)


class Recorder:
    """Create it on the running loop, then await `run`. The other methods answer the orchestrator."""

    def __init__(self, config: RecorderConfig) -> None:
        self._config = config
        self._ledger = LedgerThread(config.folder / LEDGER_NAME)
        self._progress = Progress(Limits.of(config), config.late_ns)
        self._born_ns = time.monotonic_ns()
        self._attached = False
        self._sealed = False
        self._stopping: asyncio.Task[None] | None = None
        self._verifying: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[str] | None = None
        self._ledger.put("header", **config.header_record(_boot()))
        put_anchor(self._ledger)
        self._streams = [_Stream(config, stream, self._ledger) for stream in config.streams]
        self._clients = self._of("clients")
        self._progress.streaks = [stream.streak for stream in self._clients]
        self._progress.controls = [stream.streak for stream in self._of("control")]
        self._progress.marks = [stream.streak for stream in self._of("marks")]
        self._restored: set[str] = set()
        self._work: list[asyncio.Task[None]] = []
        self._pulse: list[asyncio.Task[None]] = []

    async def run(self) -> str:
        """Record until finished; returns the ledger's SHA-256. Raises OSError when its disk fails."""
        self._work = [asyncio.create_task(stream.canary.run()) for stream in self._streams]
        self._pulse = [
            asyncio.create_task(feel(self._ledger, lambda: self._progress.late_ns)),
            asyncio.create_task(anchor(self._ledger)),
            asyncio.create_task(collect_little()),
        ]
        looking_after = asyncio.create_task(self._look_after())
        try:
            parts: list[asyncio.Future[Any]] = [self._ledger.closed, looking_after, *self._work]
            for part in (await asyncio.wait(parts, return_when=asyncio.FIRST_EXCEPTION))[0]:
                part.result()
            return self._ledger.closed.result()
        finally:
            for task in [looking_after, *self._pulse, *self._work]:
                task.cancel()
            for stream in self._streams:
                await stream.client.aclose()

    # What the orchestrator may ask for.

    def attach(self) -> None:
        self._attached = True
        self._progress.orphaned = False

    def orphan(self) -> None:
        """The orchestrator is gone: go on alone."""
        self._progress.orphaned = True

    async def event(self, name: str, source: str, detail: dict[str, Any], *, sync: bool) -> tuple[int, int]:
        """Record an event, stamped now. Returns its `seq` and `ns`.

        Raises ValueError when it may not come now or is malformed, OSError when the disk fails.
        """
        if name in OWN:
            raise Refused(f"event {name!r} is the recorder's own")
        seq, ns = self._put_event(name, source, detail)
        if sync:
            await self._ledger.durable(seq)
        return seq, ns

    async def freeze(self) -> int:
        """Fix `late` for good. Returns it in ns. Raises Refused when the service is not steady."""
        progress = self._progress
        if progress.history.has("frozen"):
            raise Refused("`late` is frozen already")
        if not progress.steady:
            raise Refused("the service is not steady: wait until it is before freezing `late`")
        if not progress.history.has("steady"):
            self._put_event("steady", "recorder", {"seconds": progress.streak_ns / 1e9})
        late_ns = progress.freeze()
        seq, _ = self._put_event("frozen", "recorder", {"late_ns": late_ns})
        await self._ledger.durable(seq)
        return late_ns

    def state(self) -> dict[str, object]:
        """What is known now, for whoever waits on it."""
        progress = self._progress
        clients = [stream.canary for stream in self._clients]
        return {
            "phase": self._phase,
            "steady": progress.steady,
            "steady_seconds": progress.streak_ns / 1e9,
            "stable": progress.history.has("stable"),
            "served_seconds": progress.streak_ns / 1e9,
            "operations": sum(canary.settled_count for canary in clients),
            "acknowledged": sum(canary.acknowledged_count for canary in clients),
            "late_ns": progress.late_ns,
            "lag_max_seconds": max((stream.canary.lag_max_ns for stream in self._streams), default=0) / 1e9,
            "deadline_passed": progress.deadline_passed,
            "old_primary_answered": sum(old.canary.answered_count for old in self._of("old_primary")),
            "old_primary_oldest_ns": min(
                (ns for old in self._of("old_primary") if (ns := old.streak.oldest_ns) is not None),
                default=None,
            ),
        }

    async def stop(self) -> None:
        """Send nothing more, and settle what was sent. Events are still taken."""
        self._stopping = self._stopping or asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def stop_old_primary(self) -> None:
        """Send nothing more to the old primary's own address, and settle what was sent there."""
        streams = zip(self._streams, self._work, strict=True)
        old = [(stream, work) for stream, work in streams if stream.config.role == "old_primary"]
        for stream, _ in old:
            stream.canary.stop()
        if old:
            await asyncio.wait([work for _, work in old])

    async def verify(self) -> None:
        """Stop, and read everything back. Events are still taken."""
        self._verifying = self._verifying or asyncio.create_task(self._verify())
        await asyncio.shield(self._verifying)

    async def finish(self, reason: Reason) -> tuple[str, int]:
        """Stop, read back, close, as far as that is not done. Returns SHA-256 and number of records.

        The first reason counts.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason))
        sha256 = await asyncio.shield(self._closing)
        return sha256, self._ledger.count

    # What it does by itself.

    def _of(self, role: Role) -> list[_Stream]:
        return [stream for stream in self._streams if stream.config.role == role]

    @property
    def _phase(self) -> str:
        if self._ledger.closed.done():
            return "closed"
        if self._closing is not None:
            return "closing"
        return "fault" if self._progress.fault_begun else "steady"

    def _put_event(self, name: str, source: str, detail: dict[str, Any]) -> tuple[int, int]:
        refusal = "the ledger is closed" if self._sealed else self._progress.history.refusal(name)
        if refusal:
            raise Refused(refusal)
        fields = {"event": name, "source": source, "detail": detail}
        checked(self._ledger.count + 1, {"seq": 0, "ns": 0, "prev": FIRST_PREV, "kind": "event", **fields})
        seq, ns = self._ledger.put("event", **fields)
        if name in ANCHORED:
            put_anchor(self._ledger)
        self._progress.note(name, ns)
        if name == "restored":
            self._restored.add(str(detail.get("dataset")))
        if name == "fault_begin":
            for stream in self._of("marks"):
                stream.canary.withhold()
        return seq, ns

    async def _look_after(self) -> None:
        progress = self._progress
        while self._closing is None:
            if progress.stable and not progress.history.has("stable"):
                self._put_event("stable", "recorder", {"seconds": progress.streak_ns / 1e9})
            if self._left_alone:
                await self.finish("orphaned")
            elif time.monotonic_ns() > self._born_ns + self._config.lifetime_ns:
                await self.finish("deadline")
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def _left_alone(self) -> bool:
        """Whether nobody will end this run and nothing more is to be seen."""
        progress = self._progress
        if not self._attached:
            return time.monotonic_ns() > self._born_ns + self._config.attach_ns
        if not progress.orphaned:
            return False
        return not progress.fault_begun or progress.history.has("stable") or progress.deadline_passed

    async def _stop(self) -> None:
        for stream in self._streams:
            stream.canary.stop()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _verify(self) -> None:
        await self.stop()
        for stream in [*self._clients, *self._of("marks")]:
            self._say_replica(stream)
            reading = await self._read(stream)
            await put_reading(self._ledger, stream.config.name, reading)

    def _say_replica(self, stream: _Stream) -> None:
        """A bucket's replica is restored as it stands: nobody else says so, as nothing has to be done."""
        replica = stream.config.role == "marks" and stream.config.client.kind == "objects"
        if replica and self._progress.history.refusal("restored") is None:
            detail = {"dataset": stream.config.dataset, "by": "its replica, as it stood when it was read"}
            self._put_event("restored", "recorder", detail)

    async def _read(self, stream: _Stream) -> Reading:
        if stream.config.role == "marks" and stream.config.dataset not in self._restored:
            return unread(f"dataset {stream.config.dataset!r} was not restored, so its marks prove nothing")
        client = cast("Client", stream.client)  # a probe has no stream that is read back
        return await read_back(client, stream.config.name, self._config.read_back_ns / 1e9)

    async def _close(self, reason: Reason) -> str:
        await self.verify()
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
