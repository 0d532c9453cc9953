"""One operation of a canary: sent once, recorded with its outcome whatever happens, and counted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, cast

from drills.payload import SIZE_BYTES, digest, payload
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.streak import Streak
from rto_rpo.refusal import refused_by_server
from sites.capability import Client, Outcome, Probe

Act = Literal["write", "delete", "read"]
WITHHELD = Outcome("failed", "withheld")


@dataclass(frozen=True, slots=True)
class Pace:
    """How a stream is driven. `in_flight_max` bounds what a dead service can pile up.

    `act`: read where the client is a probe. One acknowledged write in `delete_one_in` is deleted again;
    none where that is None.
    """

    stream: str
    seed: int
    interval_ns: int
    limit_ns: int
    in_flight_max: int
    act: Literal["write", "read"] = "write"
    payload_bytes: int = SIZE_BYTES
    delete_one_in: int | None = None


class Operations:
    """Carries operations out on one client. Counters are for whoever watches; the ledger is the evidence."""

    def __init__(self, pace: Pace, client: Client | Probe, ledger: LedgerThread, streak: Streak) -> None:
        self.settled_count = 0
        self.acknowledged_count = 0
        self.answered_count = 0
        self.lag_max_ns = 0
        self.withheld = False
        self._pace = pace
        self._client = client
        self._ledger = ledger
        self._streak = streak

    async def carry_out(self, act: Act, number: int, due_ns: int) -> Outcome:
        """Send it, wait for its end and record that. Raises nothing but being cancelled."""
        data = payload(self._pace.seed, self._pace.stream, number, size_bytes=self._pace.payload_bytes)
        outcome = Outcome("indeterminate", "timeout")
        sent_ns = time.monotonic_ns()
        self._streak.sent(number, sent_ns)
        try:
            outcome = WITHHELD if self.withheld else await self._send(act, number, data)
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the operation has an outcome
            outcome = Outcome("indeterminate", f"error {type(error).__name__}")
        finally:
            times_ns = due_ns, sent_ns, time.monotonic_ns()
            self._record(act, number, digest(data) if act == "write" else None, times_ns, outcome)
        return outcome

    async def _send(self, act: Act, number: int, data: bytes) -> Outcome:
        stream = self._pace.stream
        if act == "read":
            return await cast("Probe", self._client).read(stream, number)
        client = cast("Client", self._client)
        if act == "delete":
            return await client.delete(stream, number)
        return await client.write(stream, number, data)

    def _record(
        self, act: Act, number: int, sha256: str | None, times_ns: tuple[int, int, int], outcome: Outcome
    ) -> None:
        due_ns, sent_ns, completed_ns = times_ns
        self._ledger.put(
            "operation",
            stream=self._pace.stream,
            number=number,
            act=act,
            **({} if sha256 is None else {"payload": sha256}),
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
        self.answered_count += acknowledged or refused_by_server(outcome.result, outcome.cause)
        self.lag_max_ns = max(self.lag_max_ns, sent_ns - due_ns)
        self._streak.settled(number, completed_ns, acknowledged=acknowledged)
