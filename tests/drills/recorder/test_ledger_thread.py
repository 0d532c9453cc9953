from __future__ import annotations

import asyncio
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from drills.recorder.ledger_thread import LedgerThread
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.writer import LedgerWriter
from tests.drills.recorder.headers import HEADER


def test_records_are_on_disk_in_order_once_durable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"

    async def write() -> str:
        ledger = LedgerThread(path)
        ledger.put("header", **HEADER)
        stamps = [ledger.put("stall", from_ns=number, to_ns=number) for number in range(1000)]
        await ledger.durable(stamps[-1][0])
        assert path.read_bytes().count(b"\n") == 1001
        ledger.put("end", reason="aborted")
        return await ledger.close()

    assert asyncio.run(write()) == sha256(path.read_bytes()).hexdigest()
    records = list(read(path))
    assert [record["seq"] for record in records] == list(range(1002))
    assert [record["from_ns"] for record in records if record["kind"] == "stall"] == list(range(1000))


def test_the_loop_goes_on_while_the_disk_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, real = threading.Event(), LedgerWriter.sync

    def slow(writer: LedgerWriter) -> None:
        assert disk.wait(10)
        real(writer)

    monkeypatch.setattr(LedgerWriter, "sync", slow)

    async def write() -> list[bool]:
        ledger = LedgerThread(tmp_path / "ledger.jsonl")
        seq, _ = ledger.put("header", **HEADER)
        waiting = asyncio.create_task(ledger.durable(seq))
        for number in range(50):
            ledger.put("stall", from_ns=number, to_ns=number)
            await asyncio.sleep(0)
        before = waiting.done()
        disk.set()
        await waiting
        ledger.put("end", reason="aborted")
        await ledger.close()
        return [before, waiting.done()]

    assert asyncio.run(write()) == [False, True]


def test_a_disk_that_fails_is_told_to_whoever_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: LedgerWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LedgerWriter, "sync", full)

    async def write() -> None:
        ledger = LedgerThread(tmp_path / "ledger.jsonl")
        seq, _ = ledger.put("header", **HEADER)
        with pytest.raises(OSError, match="No space left"):
            await ledger.durable(seq)
        with pytest.raises(OSError, match="No space left"):
            await ledger.close()

    asyncio.run(write())
    assert b'"end"' not in (tmp_path / "ledger.jsonl").read_bytes()
