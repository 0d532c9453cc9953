"""What only shows from inside the recorder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recorder.ledger_thread import LedgerThread
from drills.recorder.process import Recorder, Refused
from rto_rpo.ledger.reader import read
from sites.drivers.http.client import HttpCanary
from tests.drills.recorder.headers import KNOWN


def configure(folder: Path) -> RecorderConfig:
    return RecorderConfig(
        folder=folder, header=KNOWN, streams=(), stable_ns=10**9, deadline_ns=10**10, seed=7
    )


def test_nothing_comes_after_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = LedgerThread.close

    async def closing(ledger: LedgerThread) -> str:
        await asyncio.sleep(0.02)
        time.sleep(0.1)
        await asyncio.sleep(0.02)
        return await real(ledger)

    monkeypatch.setattr(LedgerThread, "close", closing)

    async def record() -> str:
        recorder = Recorder(configure(tmp_path))
        running = asyncio.create_task(recorder.run())
        await asyncio.sleep(0)
        finishing = asyncio.create_task(recorder.finish("aborted"))
        await asyncio.sleep(0.01)
        with pytest.raises(Refused, match="the ledger is closed"):
            await recorder.event("note", "drill", {}, sync=False)
        sha256, _ = await finishing
        assert await running == sha256
        return sha256

    assert len(asyncio.run(record())) == 64
    assert [record["kind"] for record in read(tmp_path / "ledger.jsonl")][-2:] == ["anchor", "end"]


def test_two_streams_of_one_name_are_refused(tmp_path: Path) -> None:
    stream = StreamConfig(
        name="orders", address="x", interval_ns=1, limit_ns=1, client=HttpCanary("http://127.0.0.1:1")
    )

    with pytest.raises(ValueError, match="same name"):
        configure(tmp_path).model_copy().model_validate(
            {**configure(tmp_path).model_dump(), "streams": (stream, stream)}
        )


@pytest.mark.parametrize(("interval_ns", "limit_ns", "most"), [(10**7, 2 * 10**9, 230), (10**6, 10**9, 1110)])
def test_what_may_be_under_way_follows_from_rate_and_limit(
    interval_ns: int, limit_ns: int, most: int
) -> None:
    stream = StreamConfig(
        name="orders", address="x", interval_ns=interval_ns, limit_ns=limit_ns, client=HttpCanary("http://h")
    )

    assert stream.in_flight_max == most
