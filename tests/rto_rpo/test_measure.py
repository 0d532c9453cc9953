"""A whole ledger, measured: what makes it void, what is reported beside, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.measure import measure
from rto_rpo.measurement import Measurement
from tests.rto_rpo.ledgers import (
    MS,
    RUN,
    PlantedDrill,
    S,
    drill_of,
    event,
    header,
    intents,
    judged,
    judged_run,
    operation,
    stall,
    stream,
    write_ledger,
)


def measured(drill: PlantedDrill, folder: Path) -> Measurement:
    return measure(drill.write(folder / "ledger.jsonl"))


def test_a_sound_run(tmp_path: Path) -> None:
    drill = PlantedDrill()
    found = measured(drill, tmp_path)
    assert (found.run, found.void, found.end_reason, found.doubts) == (RUN, None, "stable", ())
    assert (found.fault_begin_ns, found.fault_end_ns, found.fault_effective) == (drill.f0, drill.f1, True)
    assert (found.late_ns, found.stable_ns, found.reading_problems) == (100 * MS, S, {})
    assert found.counts == {
        "records": 269,
        "events": 4,
        "stalls": 0,
        "operations": 260,
        "acknowledged": 210,
        "failed": 50,
        "indeterminate": 0,
        "unsettled": 0,
    }


def test_measuring_twice_gives_the_same(tmp_path: Path) -> None:
    path = PlantedDrill(lost={98}).write(tmp_path / "ledger.jsonl")
    assert measure(path) == measure(path)


def test_a_ledger_cut_off_holds_no_number(tmp_path: Path) -> None:
    path = PlantedDrill(lost={98}).write(tmp_path / "ledger.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    found = measure(path)
    assert str(found.void).startswith("ledger line 269: the line is cut off")
    assert (found.recovery_times, found.recovery_points, found.split_brain, found.checks) == ((), (), (), ())


def test_a_ledger_without_an_end_holds_no_number(tmp_path: Path) -> None:
    found = measured(PlantedDrill(end_reason=None), tmp_path)
    assert found.void == "the ledger has no end: the recorder was cut off"
    assert (found.recovery_times, found.recovery_points) == ((), ())


def test_without_a_header_there_is_nothing_to_measure(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b'{"seq":0}\n')
    with pytest.raises(LedgerError, match="ledger line 1"):
        measure(tmp_path / "ledger.jsonl")
    with pytest.raises(FileNotFoundError):
        measure(tmp_path / "absent.jsonl")


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"end_reason": "aborted"}, "the drill was aborted: no reason was recorded"),
        ({"more": [event("aborted", PlantedDrill().f1, reason="a guard")]}, "the drill was aborted: a guard"),
        ({"without": {"fault_begin", "fault_end", "fault_effective"}}, "the fault was never begun"),
        ({"without": {"fault_end"}}, "the fault call never returned"),
        ({"without": {"fault_effective"}}, "nothing shows that the fault took effect"),
        (
            {
                "without": {"fault_effective"},
                "more": [event("fault_effective", PlantedDrill().f1, holds=False, how="it still answers")],
            },
            "the fault did not take effect",
        ),
    ],
)
def test_why_a_run_is_void(tmp_path: Path, planted: dict[str, Any], reason: str) -> None:
    assert measured(PlantedDrill(**planted), tmp_path).void == reason


def test_late_that_was_never_frozen(tmp_path: Path) -> None:
    without = {"fault_begin", "fault_end", "fault_effective"}
    found = measured(PlantedDrill(head=header(late_ns=None), without=without), tmp_path)
    assert (found.void, found.recovery_times) == ("late was never frozen; the fault was never begun", ())


def test_a_fault_of_nobodys_needs_no_effect(tmp_path: Path) -> None:
    head = header(drill=drill_of("none"))
    found = measured(PlantedDrill(head=head, without={"fault_effective"}), tmp_path)
    assert found.void is None


def test_every_reason_is_named(tmp_path: Path) -> None:
    drill = PlantedDrill(end_reason="aborted")
    drill.more = [stall(drill.f1, drill.f1 + 60 * MS)]
    void = str(measured(drill, tmp_path).void)
    assert void.startswith("the drill was aborted")
    assert "; stream 'orders': the recorder stalled" in void


def test_a_loss_after_a_recovery_that_may_be_none_is_not_called_that(tmp_path: Path) -> None:
    for without, after in ((set(), True), ({"fault_effective"}, False)):
        (point,) = measured(PlantedDrill(lost={200}, without=without), tmp_path).recovery_points
        assert point.lost[0].after_recovery is after


def test_phases_sum_to_the_upper_bound(tmp_path: Path) -> None:
    drill = PlantedDrill()
    drill.more = [
        event("detected", drill.f1 + 60 * MS, "responder"),
        event("promoted", drill.f1 + 300 * MS, "responder"),
    ]
    (time,) = measured(drill, tmp_path).recovery_times
    assert [phase.name for phase in time.phases] == ["detect", "promote", "first acknowledgement"]
    assert [phase.seconds for phase in time.phases] == [0.065, 0.24, 0.203]
    assert sum(round(phase.seconds * 1e9) for phase in time.phases) == round(0.508 * 1e9)


def test_safe_is_when_one_writer_is_proven_and_orders_are_known(tmp_path: Path) -> None:
    drill = PlantedDrill()
    drill.more = [event("safe", drill.f0 + 900 * MS)]
    safe = measured(drill, tmp_path).safe
    assert safe is not None
    assert (safe.reached, safe.lower_seconds, safe.upper_seconds) == (True, 0.492, 0.9)


def test_nothing_is_safe_before_it_serves(tmp_path: Path) -> None:
    drill = PlantedDrill()
    drill.more = [event("safe", drill.f0 + 100 * MS)]
    safe = measured(drill, tmp_path).safe
    assert safe is not None
    assert safe.upper_seconds == 0.508


def test_a_gate_that_was_never_passed(tmp_path: Path) -> None:
    found = measured(PlantedDrill(head=header(drill=drill_of("kill_site", gate=True))), tmp_path)
    assert found.safe is not None
    assert (found.safe.reached, len(found.doubts)) == (False, 1)
    assert measured(PlantedDrill(), tmp_path).safe is None


def test_a_run_that_lost_its_orchestrator(tmp_path: Path) -> None:
    found = measured(PlantedDrill(end_reason="orphaned"), tmp_path)
    assert (found.void, found.end_reason, len(found.doubts)) == (None, "orphaned", 1)
    assert found.recovery_times[0].upper_seconds == 0.508


def test_the_longest_stall_and_the_lag_are_reported(tmp_path: Path) -> None:
    drill = PlantedDrill(instead={7: {"lag": 4 * MS}})
    drill.more = [stall(drill.due(3), drill.due(5)), stall(drill.due(7), drill.due(8))]
    found = measured(drill, tmp_path)
    assert (found.lag.stall_max_seconds, found.lag.sent_max_seconds, found.counts["stalls"]) == (
        0.02,
        0.004,
        2,
    )


def test_every_stream_of_clients_is_measured(tmp_path: Path) -> None:
    drill = PlantedDrill(head=header(streams=[stream(), stream("ticks", dataset="ticks")]))
    drill.more = [intents(0, drill.count, drill.due(0), stream="ticks")]
    drill.more += [operation(number, drill.due(number), stream="ticks") for number in range(drill.count)]
    found = measured(drill, tmp_path)
    assert [(each.stream, each.outage_seen) for each in found.recovery_times] == [
        ("orders", True),
        ("ticks", False),
    ]
    assert [each.stream for each in found.recovery_points] == ["orders", "ticks"]
    assert found.reading_problems == {"ticks": "it was never read back"}


def test_a_stream_without_writes_has_no_recovery_point_unless_it_is_judged(tmp_path: Path) -> None:
    head = header(streams=[stream()])
    path = tmp_path / "ledger.jsonl"
    records = [each for each in PlantedDrill().records() if each["kind"] in {"event", "end"}]
    write_ledger(path, header(judged=[judged("gateway", "rto", 1.0)]), records)
    assert measure(path).recovery_points == ()
    write_ledger(path, head, records)
    assert [each.stream for each in measure(path).recovery_points] == ["orders"]


def test_a_decision_follows_from_every_measurement(tmp_path: Path) -> None:
    measurement, decision = judged_run(PlantedDrill(end_reason=None), tmp_path)
    assert (measurement.void is not None, decision.verdict) == (True, "inconclusive")


def test_marks_alone_need_no_late(tmp_path: Path) -> None:
    """A restore that nobody was served by: only what came back of the marks is judged."""
    marks = stream("marks", "marks", dataset="strategies", service=None, address=None, interval_ns=10 * MS)
    head = header(late_ns=None, streams=[marks], judged=[judged("strategies", "rpo", 1.0, "marks")])
    records = PlantedDrill(lost={99}, head=head, without={"steady"}).records()
    path = write_ledger(tmp_path / "ledger.jsonl", head, [_of_marks(each) for each in records])
    found = measure(path)
    assert (found.void, found.recovery_times) == (None, ())
    assert [write.number for write in found.recovery_points[0].lost] == [99]


def _of_marks(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "stream": "marks"} if "stream" in record else record
