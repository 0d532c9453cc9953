"""The recorder as it is: a process of its own, an order service, and an orchestrator that may die."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from drills.payload import digest, payload
from drills.recording import RecorderError, RecorderRefusal, start
from rto_rpo.evidence.keeping.run_folder import held
from sites.drivers import command
from tests.drills.recorder.running import (
    INTERVAL_NS,
    begin,
    configure,
    ended,
    ledger,
    of_kind,
    outage,
    wait_for,
)
from tests.fakes.orders import OrdersService


def test_a_whole_run_is_on_record(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service))
    assert held(tmp_path)

    outage(recording, service)
    closed = recording.finish("stable")

    records = ledger(tmp_path)
    assert closed.records == len(records)
    assert records[0]["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert records[-1]["reason"] == "stable"
    assert [record["kind"] for record in (records[1], records[-2])] == ["anchor", "anchor"]
    assert [record["event"] for record in of_kind(records, "event")] == [
        "steady", "frozen", "fault_begin", "fault_end", "fault_effective", "stable"
    ]  # fmt: skip
    anchored = {
        before.get("event", before["kind"]) for before, at in pairwise(records) if at["kind"] == "anchor"
    }
    assert anchored >= {"header", "fault_begin", "stable", "readback"}
    operations = of_kind(records, "operation")
    causes = {o["cause"] for o in operations if o["outcome"] == "failed"}
    assert "refused" in causes
    assert causes <= {"refused", "reset"}, "reset: let in as the port closed, and nothing was sent yet"
    assert len(service.seen) == len(set(service.seen))
    rows = [tuple(row) for record in of_kind(records, "read") for row in record["rows"]]
    sent = {o["number"]: o["outcome"] for o in operations if o["stream"] == "orders"}
    assert dict(rows) == {
        number: digest(payload(7, "orders", number)) for number, how in sent.items() if how == "acknowledged"
    }
    (readback,) = of_kind(records, "readback")
    assert (readback["count"], readback["end"], readback["error"]) == (len(rows), True, None)
    assert wait_for(lambda: not held(tmp_path))
    frozen = next(e for e in of_kind(records, "event") if e["event"] == "frozen")
    slowest_ns = max(
        o["completed_ns"] - o["sent_ns"]
        for o in operations
        if o["stream"] == "orders" and o["seq"] < frozen["seq"]
    )
    assert frozen["detail"] == {"late_ns": max(100_000_000, 3 * slowest_ns)}


def test_a_dead_orchestrator_does_not_end_the_run(tmp_path: Path, service: OrdersService) -> None:
    told = tmp_path / "told.json"
    told.write_text(configure(tmp_path, service).model_dump_json())
    program = (
        "import sys, time; from drills.recording import start; from drills.recorder.config import *;"
        "r = start(RecorderConfig.model_validate_json(open(sys.argv[1]).read()));"
        "assert r.wait_until(lambda s: s.steady, 10).steady; r.freeze();"
        "r.event('fault_begin', sync=True); print('begun', flush=True); time.sleep(600)"
    )
    log = tmp_path / "orchestrator.log"
    root = str(Path(__file__).parents[3])
    pid = command.spawn([sys.executable, "-c", program, told], stdout=log, env={"PYTHONPATH": root})
    try:
        assert wait_for(lambda: log.exists() and "begun" in log.read_text()), log.read_text()
    finally:
        os.kill(pid, signal.SIGKILL)
    service.refuse()
    kept = len(service.rows)
    assert wait_for(lambda: (tmp_path / "ledger.jsonl").read_bytes().count(b'"refused"') > 10)
    service.listen()

    assert wait_for(lambda: ended(tmp_path))
    records = ledger(tmp_path)
    assert records[-1]["reason"] == "orphaned"
    assert [e["event"] for e in of_kind(records, "event")] == ["steady", "frozen", "fault_begin", "stable"]
    (readback,) = of_kind(records, "readback")
    assert readback["count"] > 0
    assert len(service.rows) > kept
    assert wait_for(lambda: not held(tmp_path))


def test_a_run_counts_from_the_end_of_the_fault(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service))
    recording.event("fault_begin", sync=True)
    served = recording.wait_until(lambda state: state.served_seconds > 0.6, 10)
    recording.event("fault_end")
    begun_anew = recording.state()
    recording.finish("aborted")

    assert (served.stable, begun_anew.stable) == (False, False)
    assert begun_anew.served_seconds < served.served_seconds


def test_left_alone_before_any_fault_it_closes_soon(tmp_path: Path, service: OrdersService) -> None:
    begin(configure(tmp_path, service)).detach()

    assert wait_for(lambda: ended(tmp_path))
    assert ledger(tmp_path)[-1]["reason"] == "orphaned"


def test_a_hang_ends_in_indeterminate_operations_at_the_same_cadence(
    tmp_path: Path, service: OrdersService
) -> None:
    recording = begin(configure(tmp_path, service))
    recording.event("fault_begin", sync=True)
    service.mode = "hang"
    recording.event("fault_end")
    seen = len(service.seen)
    assert wait_for(lambda: len(service.seen) > seen + 60)
    service.mode = "serve"
    assert recording.wait_until(lambda state: state.stable, 15).stable
    recording.finish("stable")

    operations = [o for o in of_kind(ledger(tmp_path), "operation") if o["stream"] == "orders"]
    timed_out = [o for o in operations if o["cause"] == "timeout"]
    assert len(timed_out) >= 40
    assert {o["outcome"] for o in timed_out} == {"indeterminate"}
    assert sorted(o["scheduled_ns"] for o in operations) == [
        operations[0]["scheduled_ns"] + INTERVAL_NS * n for n in range(len(operations))
    ]


def test_a_reading_that_is_not_whole_is_recorded_so(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service, read_back_ns=300_000_000))
    service.end = False
    recording.finish("aborted")

    (readback,) = of_kind(ledger(tmp_path), "readback")
    assert (readback["end"], readback["error"]) == (False, "the end marker is missing")
    assert sum(len(record["rows"]) for record in of_kind(ledger(tmp_path), "read")) == readback["count"]


def test_what_may_not_be_is_refused_and_harms_nothing(tmp_path: Path, service: OrdersService) -> None:
    recording = start(configure(tmp_path, service, steady_ns=3_000_000_000))
    refused: list[tuple[Callable[[], object], str]] = [
        (recording.freeze, "not steady"),
        (lambda: recording.event("fault_begin"), "before 'frozen'"),
        (lambda: recording.event("frozen", detail={"late_ns": 1}), "recorder's own"),
        (lambda: recording.event("boom"), "no event 'boom'"),
        (lambda: recording.event("check", detail={"name": "x", "verdict": "fine"}), "check"),
        (lambda: recording.event("note", source="nobody"), "needs a source"),
        (lambda: recording.finish("bored"), "not a request"),
    ]
    for act, why in refused:
        with pytest.raises(RecorderRefusal, match=why):
            act()
    first = recording.event("note", detail={"at": Path("x")}, sync=True)
    second = recording.event("note", source="operator")
    recording.finish("aborted")

    assert (first.seq < second.seq, first.ns <= second.ns) == (True, True)
    notes = [(r["seq"], r["ns"]) for r in of_kind(ledger(tmp_path), "event")]
    assert notes == [(first.seq, first.ns), (second.seq, second.ns)]


def test_a_deadline_passes_without_a_stable_run(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service, deadline_ns=400_000_000, read_back_ns=300_000_000))
    recording.event("fault_begin", sync=True)
    service.refuse()
    state = recording.wait_until(lambda state: state.deadline_passed, 10)
    recording.detach()

    assert (state.deadline_passed, state.stable) == (True, False)
    assert wait_for(lambda: ended(tmp_path))
    assert of_kind(ledger(tmp_path), "readback")[0]["count"] is None


def test_sigterm_closes_the_ledger(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service))
    os.kill(recording.pid, signal.SIGTERM)

    assert wait_for(lambda: ended(tmp_path))
    assert ledger(tmp_path)[-1]["reason"] == "aborted"
    recording.detach()


def test_a_recorder_that_cannot_start_says_why(tmp_path: Path, service: OrdersService) -> None:
    (tmp_path / "ledger.jsonl").write_text("kept\n")

    with pytest.raises(RecorderError, match=r"did not start: .*ledger\.jsonl"):
        start(configure(tmp_path, service))
    assert (tmp_path / "ledger.jsonl").read_text() == "kept\n"


def test_a_killed_recorder_is_noticed(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(configure(tmp_path, service))
    os.kill(recording.pid, signal.SIGKILL)

    with pytest.raises(RecorderError, match=r"gone|does not answer"):
        recording.state()
    assert wait_for(lambda: not held(tmp_path))
    assert json.loads((tmp_path / "ledger.jsonl").read_bytes().splitlines()[0])["kind"] == "header"
    shutil.rmtree(recording.path.parent)
