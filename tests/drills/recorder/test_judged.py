"""From planted trouble to the judge's numbers, through a real recorder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from rto_rpo.measure import measure
from tests.drills.recorder.running import EFFECTIVE, INTERVAL_NS, begin, configure, of_kind, outage, wait_for
from tests.drills.recorder.running import ledger as ledger_of
from tests.fakes.orders import OrdersService


def test_an_outage_lies_within_its_bounds_and_nothing_is_lost(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service, late_ns=2_000_000_000))
    outage(recording, service, length_operations=30)
    recording.finish("stable")

    measured = measure(tmp_path / "ledger.jsonl")

    assert measured.void is None
    (recovery,) = measured.recovery_times
    assert recovery.outage_seen
    assert recovery.upper_seconds is not None
    assert 20 * INTERVAL_NS / 1e9 < recovery.lower_seconds < recovery.upper_seconds
    (point,) = measured.recovery_points
    assert (point.reading_complete, point.lost, point.upper_seconds) == (True, (), 0.0)
    assert point.acknowledged_count == point.read_count


def served_in(mode: str, service: OrdersService) -> None:
    before = len(service.seen)
    assert wait_for(lambda: len(service.seen) > before + 12), mode


def test_exactly_what_was_lost_duplicated_or_corrupted_is_named(
    tmp_path: Path, service: OrdersService
) -> None:
    recording = begin(configure(tmp_path, service, late_ns=2_000_000_000))
    for mode in ("lose", "twice", "corrupt"):
        service.mode = mode
        served_in(mode, service)
    service.mode = "serve"
    recording.event("fault_begin", sync=True)
    recording.event("fault_end")
    recording.event("fault_effective", detail=EFFECTIVE)
    assert recording.wait_until(lambda state: state.stable, 15).stable
    recording.finish("stable")

    (point,) = measure(tmp_path / "ledger.jsonl").recovery_points
    held = [name for name, _ in service.rows if "-orders-old-" not in name]
    sent = {o["number"] for o in of_kind(ledger_of(tmp_path), "operation") if o["stream"] == "orders"}
    numbers = [int(name.rsplit("-", 1)[1]) for name in held]
    planted = {
        "lose": sent - set(numbers),
        "twice": {number for number in numbers if numbers.count(number) > 1},
        "corrupt": {
            int(name.rsplit("-", 1)[1])
            for name, text in service.rows
            if "-orders-old-" not in name and text != text.lower()
        },
    }
    assert {write.number for write in point.lost} == planted["lose"]
    assert set(point.duplicated) == planted["twice"]
    assert set(point.corrupt) == planted["corrupt"]
    assert all(len(found) >= 5 for found in planted.values())


def test_a_recorder_that_stood_still_proves_nothing(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service))
    recording.event("fault_begin", sync=True)
    os.kill(recording.pid, signal.SIGSTOP)
    time.sleep(0.4)
    os.kill(recording.pid, signal.SIGCONT)
    recording.event("fault_end")
    recording.event("fault_effective", detail=EFFECTIVE)
    assert recording.wait_until(lambda state: state.stable, 15).stable
    recording.finish("stable")

    void = measure(tmp_path / "ledger.jsonl").void
    records = ledger_of(tmp_path)

    assert max(stall["to_ns"] - stall["from_ns"] for stall in of_kind(records, "stall")) > 350_000_000
    assert max(o["sent_ns"] - o["scheduled_ns"] for o in of_kind(records, "operation")) > 300_000_000
    assert void is not None
    assert "the recorder stalled" in void
