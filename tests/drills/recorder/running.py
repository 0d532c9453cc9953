"""Starting real recorders against an order service in memory, for tests."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recording import RecorderRefusal, Recording, start
from rto_rpo.ledger.reader import read
from sites.drivers.http.client import HttpCanary
from tests.drills.recorder.headers import KNOWN
from tests.fakes.orders import OrdersService

INTERVAL_NS = 10_000_000
EFFECTIVE = {"holds": True, "how": "the service refuses connections"}


def configure(folder: Path, service: OrdersService, **changes: Any) -> RecorderConfig:
    def stream(name: str, role: Any, interval_ns: int) -> StreamConfig:
        return StreamConfig(
            name=name,
            role=role,
            address=service.url,
            dataset="orders",
            service="gateway",
            interval_ns=interval_ns,
            limit_ns=300_000_000,
            client=HttpCanary(service.url),
        )

    (folder / "plan.yaml").write_bytes(b"name: of-a-test\n")  # what a run's folder always has, and is held by
    usual: dict[str, Any] = {
        "stable_ns": 500_000_000,
        "deadline_ns": 20_000_000_000,
        "steady_ns": 300_000_000,
        "read_back_ns": 2_000_000_000,
    }
    return RecorderConfig(
        folder=folder,
        header=KNOWN,
        streams=(
            stream("orders", "clients", INTERVAL_NS),
            stream("orders-old", "old_primary", 5 * INTERVAL_NS),
        ),
        seed=7,
        **{**usual, **changes},
    )


def begin(config: RecorderConfig) -> Recording:
    """Start, steady, frozen."""
    recording = start(config)
    freeze_once_steady(recording)
    return recording


def freeze_once_steady(recording: Recording) -> None:
    for _ in range(10):
        assert recording.wait_until(lambda state: state.steady, 30).steady
        with contextlib.suppress(RecorderRefusal):  # one slow answer in between: not steady any more
            recording.freeze()
            return
    raise AssertionError("never steady for long enough to freeze")


def outage(
    recording: Recording, service: OrdersService, length_operations: int = 20, *, becomes: str = ""
) -> None:
    """Refuse until so many operations have failed, then serve until stable; under the name it `becomes`."""
    recording.event("fault_begin", sync=True)
    service.refuse()
    service.name = becomes or service.name
    recording.event("fault_end")
    recording.event("fault_effective", detail=EFFECTIVE)
    before = recording.state()
    bad = before.operations - before.acknowledged + length_operations
    after = recording.wait_until(lambda state: state.operations - state.acknowledged >= bad, 10)
    assert not after.stable
    service.listen()
    assert recording.wait_until(lambda state: state.stable, 15).stable


def ledger(folder: Path) -> list[Any]:
    return list(read(folder / "ledger.jsonl"))


def of_kind(records: list[Any], kind: str) -> list[Any]:
    return [record for record in records if record["kind"] == kind]


def wait_for(condition: Callable[[], bool], limit_seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def ended(folder: Path) -> bool:
    path = folder / "ledger.jsonl"
    return path.exists() and b'"kind":"end"' in path.read_bytes()[-300:]
