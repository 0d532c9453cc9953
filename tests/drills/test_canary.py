"""The open loop, with clients that misbehave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from drills.canary import FIRST_AFTER_NS, Canary, Pace
from drills.payload import digest, payload
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.streak import Streak
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.writer import LedgerWriter
from sites.capability import Outcome, ReadBack
from tests.drills.recorder.headers import HEADER

INTERVAL_NS = 5_000_000
DONE = Outcome("acknowledged", "201", "here")


class Scripted:
    """A client whose writes do what `act` says. Keeps the numbers that it was given, in order."""

    def __init__(self, act: Callable[[int], Awaitable[Outcome]]) -> None:
        self.act = act
        self.given: list[tuple[int, bytes]] = []
        self.under_way = 0
        self.under_way_max = 0

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        assert stream == "orders"
        self.given.append((number, payload))
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        try:
            return await self.act(number)
        finally:
            self.under_way -= 1

    async def delete(self, stream: str, number: int) -> Outcome:
        raise AssertionError((stream, number))

    async def read_back(self, stream: str) -> ReadBack:
        raise AssertionError(stream)

    async def aclose(self) -> None:
        return


async def at_once(_: int) -> Outcome:
    return DONE


def drive(
    path: Path,
    client: Scripted,
    until: Callable[[Canary], bool],
    *,
    limit_ns: int = 2_000_000_000,
    in_flight_max: int = 1000,
) -> list[Any]:
    """Run a canary until the condition holds, then stop it; the records of its ledger."""

    async def whole() -> None:
        ledger = LedgerThread(path)
        ledger.put("header", **HEADER)
        pace = Pace("orders", 7, INTERVAL_NS, limit_ns, in_flight_max)
        canary = Canary(pace, client, ledger, Streak(INTERVAL_NS, None))
        running = asyncio.create_task(canary.run())
        async with asyncio.timeout(10):
            while not until(canary):
                await asyncio.sleep(0.005)
            canary.stop()
            await running
        ledger.put("end", reason="aborted")
        await ledger.close()

    asyncio.run(whole())
    return list(read(path))


def of_kind(records: list[Any], kind: str) -> list[Any]:
    return [record for record in records if record["kind"] == kind]


def test_every_number_is_announced_sent_once_and_settled(tmp_path: Path) -> None:
    client = Scripted(at_once)

    records = drive(tmp_path / "l", client, lambda canary: canary.settled_count >= 150)

    operations, intents = of_kind(records, "operation"), of_kind(records, "intents")
    announced = {
        batch["first"] + n: (batch["scheduled_ns"] + n * batch["interval_ns"], batch["seq"])
        for batch in intents
        for n in range(batch["count"])
    }
    assert [number for number, _ in client.given] == list(range(len(client.given)))
    assert sorted(operation["number"] for operation in operations) == sorted(announced)
    for operation in operations:
        scheduled_ns, announced_seq = announced[operation["number"]]
        assert operation["scheduled_ns"] == scheduled_ns <= operation["sent_ns"]
        assert announced_seq < operation["seq"]
        assert operation["payload"] == digest(payload(7, "orders", operation["number"]))
    assert all(data == payload(7, "orders", number) for number, data in client.given)


def test_nothing_is_sent_before_its_intent_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, real, synced = threading.Event(), LedgerWriter.sync, threading.Event()
    client = Scripted(at_once)

    def slow(writer: LedgerWriter) -> None:
        synced.set()
        assert disk.wait(10)
        real(writer)

    monkeypatch.setattr(LedgerWriter, "sync", slow)
    sent_early: list[int] = []
    begun_ns = time.monotonic_ns()

    def until(canary: Canary) -> bool:
        overdue = time.monotonic_ns() > begun_ns + FIRST_AFTER_NS + 40 * INTERVAL_NS
        if synced.is_set() and overdue and not disk.is_set():
            sent_early.append(len(client.given))
            disk.set()
        return canary.settled_count >= 60

    drive(tmp_path / "l", client, until)

    assert sent_early == [0]


def test_replies_that_never_come_do_not_slow_it_down(tmp_path: Path) -> None:
    answers: list[asyncio.Future[Outcome]] = []

    async def hang(_: int) -> Outcome:
        answers.append(asyncio.get_running_loop().create_future())
        return await answers[-1]

    client = Scripted(hang)

    def until(canary: Canary) -> bool:
        if len(client.given) < 100:
            return False
        assert canary.settled_count == 0
        canary.stop()
        release(answers)
        client.act = at_once
        return True

    records = drive(tmp_path / "l", client, until)

    operations = of_kind(records, "operation")
    assert len(operations) == len(client.given) == sum(b["count"] for b in of_kind(records, "intents"))


def release(answers: list[asyncio.Future[Outcome]]) -> None:
    for answer in answers:
        answer.set_result(DONE)


def test_what_is_under_way_is_bounded(tmp_path: Path) -> None:
    async def slow(_: int) -> Outcome:
        await asyncio.sleep(0.04)
        return DONE

    client = Scripted(slow)

    def until(canary: Canary) -> bool:
        if canary.settled_count < 40:
            return False
        client.act = at_once
        return True

    records = drive(tmp_path / "l", client, until, in_flight_max=4)

    assert client.under_way_max == 4
    assert max(o["sent_ns"] - o["scheduled_ns"] for o in of_kind(records, "operation")) > INTERVAL_NS


def test_a_client_that_breaks_or_forgets_still_leaves_an_outcome(tmp_path: Path) -> None:
    async def misbehave(number: int) -> Outcome:
        if number == 3:
            raise KeyError("bug")
        if number == 5:
            await asyncio.sleep(3600)
        return DONE

    records = drive(
        tmp_path / "l", Scripted(misbehave), lambda canary: canary.settled_count >= 20, limit_ns=10_000_000
    )

    outcomes = {o["number"]: (o["outcome"], o["cause"]) for o in of_kind(records, "operation")}
    assert outcomes[3] == ("indeterminate", "error KeyError")
    assert outcomes[5] == ("indeterminate", "timeout")
    assert Counter(outcome for outcome, _ in outcomes.values())["acknowledged"] == len(outcomes) - 2
