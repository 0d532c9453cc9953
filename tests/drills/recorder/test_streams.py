"""Streams of every role through a real recorder, to the judge's word on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recording import start
from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure
from rto_rpo.measurement import Decision, Measurement
from rto_rpo.verdict import decide
from sites.drivers.http.client import HttpCanary
from sites.drivers.http.probe import HttpControl
from sites.drivers.marks import MarkedFolder
from sites.drivers.s3.canary import BucketPlace, MarkedBucket
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.shell import ShellCommands
from sites.protection.objects.replication import replicate_objects
from sites.secret import Secret
from tests.drills.recorder.headers import KNOWN
from tests.drills.recorder.running import (
    EFFECTIVE,
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
from tests.sites.drivers.servers import SECRET, USER, s3_server

LENIENT = {"late_ns": 2_000_000_000}


@pytest.fixture
def outside() -> Iterator[OrdersService]:
    running = OrdersService()
    yield running
    running.close()


def with_streams(config: RecorderConfig, *streams: StreamConfig, judged: Any = None) -> RecorderConfig:
    header = {**config.header, **({"judged": judged} if judged else {})}
    return config.model_copy(update={"streams": streams, "header": header})


def control(url: str) -> StreamConfig:
    return StreamConfig(
        name="CONTROL",
        role="control",
        address=url,
        interval_ns=5 * INTERVAL_NS,
        limit_ns=300_000_000,
        client=HttpControl(url),
    )


def judged(folder: Path) -> tuple[Measurement, Decision]:
    path = folder / "ledger.jsonl"
    header = next(read(path))
    assert header["kind"] == "header"
    found = measure(path)
    return found, decide(header, found)


def test_an_outage_that_the_control_lives_through_is_measured(
    tmp_path: Path, service: OrdersService, outside: OrdersService
) -> None:
    config = configure(tmp_path, service, **LENIENT)
    recording = begin(with_streams(config, config.streams[0], control(outside.url)))
    outage(recording, service)
    recording.finish("stable")

    found, decision = judged(tmp_path)
    reads = [o for o in of_kind(ledger(tmp_path), "operation") if o["stream"] == "CONTROL"]

    assert found.void is None
    assert found.recovery_times[0].lower_seconds > 0
    assert decision.verdict == "met"
    assert {o["outcome"] for o in reads} == {"acknowledged"}
    assert all(o["act"] == "read" and "payload" not in o for o in reads)


def test_the_recorders_own_loss_of_network_is_not_called_an_outage(
    tmp_path: Path, service: OrdersService, outside: OrdersService
) -> None:
    """The same outage, and the control is silent with it; the objective of 30 s would have been met."""
    config = configure(tmp_path, service, **LENIENT)
    recording = begin(with_streams(config, config.streams[0], control(outside.url)))
    outside.refuse()
    outage(recording, service)
    outside.listen()
    recording.finish("stable")

    found, decision = judged(tmp_path)

    assert found.void is not None
    assert "control endpoint 'CONTROL' did not answer in time" in found.void
    assert decision.verdict == "inconclusive"
    assert [each.verdict for each in decision.judgements] == ["inconclusive", "inconclusive"]


def test_without_its_control_a_run_is_not_steady(
    tmp_path: Path, service: OrdersService, outside: OrdersService
) -> None:
    outside.refuse()
    config = configure(tmp_path, service)
    recording = start(with_streams(config, config.streams[0], control(outside.url)))
    assert recording.wait_until(lambda state: state.operations > 60, 10).operations > 60
    assert not recording.state().steady
    outside.listen()
    assert recording.wait_until(lambda state: state.steady, 10).steady
    recording.finish("aborted")


def deleting(folder: Path, service: OrdersService) -> RecorderConfig:
    config = configure(folder, service, **LENIENT)
    clients = config.streams[0].model_copy(update={"delete_one_in": 4, "limit_ns": 2_000_000_000})
    return with_streams(config, clients)


def deleted_in(records: list[Any]) -> dict[int, str]:
    operations = (o for o in of_kind(records, "operation") if o["act"] == "delete")
    return {o["number"]: o["outcome"] for o in operations}


def test_what_was_deleted_is_neither_lost_nor_back(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(deleting(tmp_path, service))
    outage(recording, service)
    recording.finish("stable")

    found, decision = judged(tmp_path)
    records = ledger(tmp_path)
    deleted = deleted_in(records)
    announced = [r for r in of_kind(records, "intents") if r["act"] == "delete"]
    operations = {o["number"]: o for o in of_kind(records, "operation") if o["act"] == "delete"}

    assert len(deleted) >= 20
    assert sorted(intent["first"] for intent in announced) == sorted(deleted)
    assert all(i["seq"] < operations[i["first"]]["seq"] for i in announced)
    assert all(operations[i["first"]]["scheduled_ns"] == i["scheduled_ns"] for i in announced)
    (point,) = found.recovery_points
    assert (point.lost, point.resurrected, point.unrecorded) == ((), (), ())
    assert decision.verdict == "met"


def test_a_deleted_write_that_comes_back_is_missed(tmp_path: Path, service: OrdersService) -> None:
    recording = begin(deleting(tmp_path, service))
    before = list(service.rows)
    outage(recording, service)
    recording.stop()
    held = {name for name, _ in service.rows}
    back = [row for row in before if row[0] not in held]
    service.rows += back
    recording.finish("stable")

    found, decision = judged(tmp_path)

    assert back
    (point,) = found.recovery_points
    acknowledged = {number for number, how in deleted_in(ledger(tmp_path)).items() if how == "acknowledged"}
    assert set(point.resurrected) == {int(name.rsplit("-", 1)[1]) for name, _ in back} & acknowledged
    assert point.resurrected
    assert decision.verdict == "missed"


def marked(folder: Path, restored: Path) -> StreamConfig:
    return StreamConfig(
        name="strategies",
        role="marks",
        address=str(folder),
        dataset="strategies",
        interval_ns=2 * INTERVAL_NS,
        limit_ns=2_000_000_000,
        client=MarkedFolder(folder, restored),
    )


def marks_run(tmp_path: Path, service: OrdersService, *, backed_up: bool, restored: bool = True) -> None:
    """A backup is a copy that is made while marks are written; a restore is a copy of that."""
    source, backup, place = tmp_path / "source", tmp_path / "backup", tmp_path / "restored"
    source.mkdir()
    backup.mkdir()
    rpo = {"subject": "strategies", "objective": "rpo", "seconds": 3600.0, "stream": "strategies"}
    config = configure(tmp_path, service, **LENIENT)
    recording = begin(
        with_streams(config, config.streams[0], marked(source, place), judged=[*KNOWN["judged"], rpo])
    )
    if backed_up:
        folder = source / ".blackstart-marks" / f"{config.run[:8]}-strategies"
        assert wait_for(lambda: folder.is_dir() and len(list(folder.iterdir())) > 5)
        shutil.copytree(source, backup, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".[0-9]*"))
        copied = len(list((backup / ".blackstart-marks" / folder.name).iterdir()))
        assert wait_for(lambda: len(list(folder.iterdir())) > copied + 5)
    outage(recording, service)
    shutil.copytree(backup, place)
    if restored:
        recording.event("restored", source="responder", detail={"dataset": "strategies"})
    recording.finish("stable")
    assert ended(tmp_path)


def test_marks_tell_what_a_restore_lost(tmp_path: Path, service: OrdersService) -> None:
    marks_run(tmp_path, service, backed_up=True)

    found, decision = judged(tmp_path)
    records = ledger(tmp_path)
    acknowledged = {
        o["number"]: o["completed_ns"]
        for o in of_kind(records, "operation")
        if o["stream"] == "strategies" and o["outcome"] == "acknowledged"
    }
    read_back = {
        number for r in of_kind(records, "read") if r["stream"] == "strategies" for number, _ in r["rows"]
    }
    (begun,) = [e["ns"] for e in of_kind(records, "event") if e["event"] == "fault_begin"]
    point = next(each for each in found.recovery_points if each.stream == "strategies")

    lost = sorted(set(acknowledged) - read_back)
    assert [write.number for write in point.lost] == lost
    assert len(lost) >= 5
    assert len(read_back) >= 5
    assert point.lower_seconds == max(0, max(begun, acknowledged[lost[-1]]) - acknowledged[lost[0]]) / 1e9
    assert point.upper_seconds is not None
    assert decision.verdict == "met"
    withheld = [o for o in of_kind(records, "operation") if o["cause"] == "withheld"]
    assert all(o["stream"] == "strategies" and o["sent_ns"] >= begun for o in withheld)
    later = [ns for ns in acknowledged.values() if ns > begun + 2_000_000_000]
    assert later == [], "nothing is written into a site that is lost"


def test_a_backup_older_than_every_mark_has_no_upper_bound(tmp_path: Path, service: OrdersService) -> None:
    marks_run(tmp_path, service, backed_up=False)

    found, decision = judged(tmp_path)
    point = next(each for each in found.recovery_points if each.stream == "strategies")

    assert point.lost
    assert point.upper_seconds is None
    assert decision.verdict == "inconclusive"
    assert any("nothing says how old the data is" in reason for reason in decision.reasons)


def test_marks_of_a_dataset_that_nobody_restored_prove_nothing(
    tmp_path: Path, service: OrdersService
) -> None:
    marks_run(tmp_path, service, backed_up=True, restored=False)

    found, decision = judged(tmp_path)

    assert "was not restored" in found.reading_problems["strategies"]
    assert decision.verdict == "inconclusive"


@pytest.mark.parametrize("replicated", [True, False])
def test_marks_tell_what_a_bucket_s_replica_lacks(
    tmp_path: Path, service: OrdersService, replicated: bool
) -> None:
    """What a replication brought over is what counts; with a frozen replica nothing says how old it is."""
    for name in ("ticks", "mirror"):
        (tmp_path / "buckets" / name).mkdir(parents=True)
    for name, value in (("id", USER), ("key", SECRET)):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    with s3_server(tmp_path / "buckets") as port:
        keys = (Secret(file=tmp_path / "id"), Secret(file=tmp_path / "key"))
        source, replica = (
            BucketPlace(name, f"http://127.0.0.1:{port}", "us-east-1", "", *keys)
            for name in ("ticks", "mirror")
        )
        stream = marked(tmp_path, tmp_path).model_copy(update={"client": MarkedBucket(source, replica)})
        rpo = {"subject": "strategies", "objective": "rpo", "seconds": 3600.0, "stream": "strategies"}
        config = configure(tmp_path, service, **LENIENT)
        recording = begin(with_streams(config, config.streams[0], stream, judged=[*KNOWN["judged"], rpo]))
        there = tmp_path / "buckets" / "ticks" / ".blackstart-marks" / f"{config.run[:8]}-strategies"
        assert wait_for(lambda: there.is_dir() and len(list(there.iterdir())) > 5)
        if replicated:
            replicate_objects(
                ObjectsDataset("strategies", source.open(5), replica.open(5)), tmp_path / "work"
            )
        brought = len(list(there.iterdir()))
        assert wait_for(lambda: len(list(there.iterdir())) > brought + 5)
        outage(recording, service)
        recording.finish("stable")
        assert ended(tmp_path)
    found, decision = judged(tmp_path)
    point = next(each for each in found.recovery_points if each.stream == "strategies")
    assert len(point.lost) >= 5
    assert (point.upper_seconds is not None) == replicated
    assert decision.verdict == ("met" if replicated else "inconclusive"), decision.reasons
    assert SECRET not in "".join(path.read_text() for path in tmp_path.glob("*.json*"))


def test_writes_by_command_are_measured_like_any_other(tmp_path: Path, service: OrdersService) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write = 'test -d "$1" || exit 69; cd "$1"; n=$BLACKSTART_NUMBER; cat > ".$n" && mv ".$n" "$n"'
    listing = 'cd "$1" && for n in *; do echo "$n $(cat "$n")"; done; set -- *; echo "END $#"'
    commands = ShellCommands(
        write=("sh", "-c", write, "sh", str(data)), read=("sh", "-c", listing, "sh", str(data))
    )
    config = configure(tmp_path, service, **LENIENT)
    clients = config.streams[0].model_copy(
        update={"client": commands, "interval_ns": 5 * INTERVAL_NS, "limit_ns": 2_000_000_000}
    )
    recording = begin(with_streams(config, clients))
    recording.event("fault_begin", sync=True)
    data.rename(tmp_path / "away")
    recording.event("fault_end")
    recording.event("fault_effective", detail=EFFECTIVE)
    before = recording.state()
    bad = before.operations - before.acknowledged + 5
    assert recording.wait_until(lambda s: s.operations - s.acknowledged >= bad, 10).operations
    (tmp_path / "away").rename(data)
    assert recording.wait_until(lambda state: state.stable, 15).stable
    recording.finish("stable")

    found, _ = judged(tmp_path)

    (point,) = found.recovery_points
    assert found.recovery_times[0].lower_seconds > 0
    assert point.reading_complete
    assert point.acknowledged_count == point.read_count > 0
    assert point.lost == ()


def test_several_clients_keep_their_connections_and_large_payloads_come_back(
    tmp_path: Path, service: OrdersService
) -> None:
    service.keep_alive = True
    config = configure(tmp_path, service, **LENIENT)
    clients = config.streams[0].model_copy(
        update={"client": HttpCanary(service.url, pooled=True), "clients": 4, "payload_bytes": 2000}
    )
    recording = begin(with_streams(config, clients))
    connections = service.connections
    sent = len(service.seen)
    assert wait_for(lambda: len(service.seen) >= sent + 40)
    assert service.connections < connections + 40, "kept connections are used again"
    assert connections >= 4, "each client has its own"
    recording.finish("aborted")

    (header,) = of_kind(ledger(tmp_path), "header")
    (point,) = measure(tmp_path / "ledger.jsonl").recovery_points
    assert header["streams"][0]["payload_bytes"] == 2000
    assert {len(payload) for _, payload in service.rows} == {2000}
    assert (point.corrupt, point.lost) == ((), ())


def with_old_primary(folder: Path, service: OrdersService, old: OrdersService) -> RecorderConfig:
    config = configure(folder, service, **LENIENT)
    service.name = old.name = "old"
    clients, second = config.streams
    there = second.model_copy(update={"address": old.url, "client": HttpCanary(old.url)})
    return with_streams(config, clients, there)


@pytest.mark.parametrize(("refuses", "verdict"), [(True, "inconclusive"), (False, "missed")])
def test_the_old_primary_is_written_to_again_after_it_is_revived(
    tmp_path: Path, service: OrdersService, outside: OrdersService, *, refuses: bool, verdict: str
) -> None:
    recording = begin(with_old_primary(tmp_path, service, outside))
    outside.refuse()
    outage(recording, service, becomes="new")
    if not refuses:
        outside.listen()
    before = recording.state().old_primary_answered
    revived = recording.event("old_primary_revived", source="drill")
    name = "orders-old"
    sent = recording.state().operations
    state = recording.wait_until(lambda state: state.operations > sent + 30, 10)
    assert state.operations > sent + 30
    recording.finish("stable")

    found, decision = judged(tmp_path)
    later = [
        o for o in of_kind(ledger(tmp_path), "operation") if o["stream"] == name and o["sent_ns"] > revived.ns
    ]

    assert len(later) >= 3
    (split,) = found.split_brain
    assert split.verdict == verdict, "a closed port is no refusal of a server's own"
    assert decision.verdict == verdict
    assert ("its server itself refused no write" in split.reason) == refuses
    assert (state.old_primary_answered > before) != refuses
