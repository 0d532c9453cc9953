"""RTA: the method by example. A write is due every 10 ms; late is 100 ms, stable 1 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.measurement import RecoveryTime
from tests.rto_rpo.ledgers import MS, PlantedDrill, S, drill_of, event, header, judged_run

FAILED = {"outcome": "failed", "cause": "refused"}
HANGS = {"outcome": "indeterminate", "took": 2 * S, "cause": "timeout"}


def time_of(drill: PlantedDrill, folder: Path) -> RecoveryTime:
    (time,) = judged_run(drill, folder)[0].recovery_times
    return time


def bounds(drill: PlantedDrill, folder: Path) -> tuple[float, float | None]:
    time = time_of(drill, folder)
    return time.lower_seconds, time.upper_seconds


def test_from_the_last_bad_sending_to_the_first_acknowledgement(tmp_path: Path) -> None:
    drill = PlantedDrill()
    time = time_of(drill, tmp_path)
    assert time.last_bad_sent_ns == drill.due(150)
    assert (time.first_acknowledged_sent_ns, time.first_acknowledged_ns) == (
        drill.due(151),
        drill.due(151) + MS,
    )
    assert time.stable_until_ns == drill.due(151) + S
    assert time.lower_seconds == (drill.due(150) - drill.f1) / 1e9 == 0.492
    assert time.upper_seconds == (drill.due(151) + MS - drill.f0) / 1e9 == 0.508
    assert (time.bad_count, time.flap_count, time.unavailable_seconds, time.outage_seen) == (50, 0, 0.5, True)


@pytest.mark.parametrize(("took", "bad"), [(100 * MS, 0), (100 * MS + 1, 1)])
def test_served_is_acknowledged_within_late_of_sending(tmp_path: Path, took: int, bad: int) -> None:
    time = time_of(PlantedDrill(outage_ns=0, after_ns=1600 * MS, instead={120: {"took": took}}), tmp_path)
    assert time.bad_count == bad


@pytest.mark.parametrize("answer", [FAILED, HANGS, {"outcome": "acknowledged", "took": S}])
def test_everything_else_is_bad(tmp_path: Path, answer: dict[str, Any]) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=1600 * MS, instead={120: answer})
    assert (time_of(drill, tmp_path).bad_count, time_of(drill, tmp_path).last_bad_sent_ns) == (
        1,
        drill.due(120),
    )


def test_late_counts_from_sending_not_from_the_schedule(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=1600 * MS, instead={120: {"lag": 30 * MS, "took": 90 * MS}})
    assert time_of(drill, tmp_path).bad_count == 0


def test_late_may_be_frozen_by_an_event(tmp_path: Path) -> None:
    drill = PlantedDrill(head=header(late_ns=None), instead={200: {"took": 60 * MS}})
    drill.more = [event("frozen", drill.f0 - MS, "recorder", late_ns=50 * MS)]
    assert time_of(drill, tmp_path).bad_count == 51


def test_no_outage_seen(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=1600 * MS)
    time = time_of(drill, tmp_path)
    assert (time.outage_seen, time.lower_seconds, time.last_bad_sent_ns) == (False, 0.0, None)
    assert time.first_acknowledged_sent_ns == drill.due(101)
    assert time.upper_seconds == 0.011, "an outage may hide between a sending and the next one's answer"


def test_no_outage_seen_in_a_slow_fault(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=1600 * MS, fault_ns=400 * MS)
    time = time_of(drill, tmp_path)
    b = min(number for number in range(drill.count) if drill.due(number) > drill.f1)
    assert time.upper_seconds == (drill.due(b) + MS - drill.f0) / 1e9


def test_an_operation_in_flight_when_the_fault_began_shows_an_outage(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=3 * S, instead={100: HANGS, 90: {"took": 5 * S} | FAILED})
    time = time_of(drill, tmp_path)
    assert (time.outage_seen, time.bad_count, time.lower_seconds) == (True, 2, 0.0)
    assert time.last_bad_sent_ns == drill.due(100)


def test_what_was_bad_before_the_fault_is_not_the_faults(tmp_path: Path) -> None:
    time = time_of(PlantedDrill(outage_ns=0, after_ns=1600 * MS, instead={50: FAILED}), tmp_path)
    assert (time.outage_seen, time.bad_count) == (False, 0)


def test_b_was_acknowledged_first_not_sent_first(tmp_path: Path) -> None:
    drill = PlantedDrill(instead={151: {"took": 50 * MS}, 152: {"took": 7 * MS}})
    assert time_of(drill, tmp_path).first_acknowledged_sent_ns == drill.due(152)


def test_b_was_sent_after_the_fault_call_returned(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=50 * MS, fault_ns=200 * MS, after_ns=1600 * MS)
    time = time_of(drill, tmp_path)
    assert time.last_bad_sent_ns == drill.due(105)
    assert (time.lower_seconds, time.first_acknowledged_sent_ns) == (0.0, drill.due(121))
    assert time.upper_seconds == (drill.due(121) + MS - drill.f0) / 1e9


def test_a_service_that_flaps_is_back_when_it_stays(tmp_path: Path) -> None:
    drill = PlantedDrill(after_ns=2 * S, instead={170: FAILED, 180: FAILED})
    time = time_of(drill, tmp_path)
    assert (time.last_bad_sent_ns, time.first_acknowledged_sent_ns) == (drill.due(180), drill.due(181))
    assert (time.flap_count, time.bad_count) == (2, 52)
    assert time.unavailable_seconds == pytest.approx(0.52)


def test_a_second_outage_after_the_stable_run_is_counted_but_not_timed(tmp_path: Path) -> None:
    drill = PlantedDrill(after_ns=2 * S, instead={300: FAILED})
    time = time_of(drill, tmp_path)
    assert (time.lower_seconds, time.upper_seconds) == (0.492, 0.508)
    assert (time.flap_count, time.unavailable_seconds) == (1, pytest.approx(0.51))


@pytest.mark.parametrize(("after", "upper"), [(1020 * MS, 0.508), (1010 * MS, None)])
def test_a_run_is_stable_when_operations_cover_it(tmp_path: Path, after: int, upper: float | None) -> None:
    """From 151 on there are 101 operations, the last sent exactly a second after the first; or only 100."""
    assert bounds(PlantedDrill(after_ns=after), tmp_path) == (0.492, upper)


def test_without_a_stable_run_there_is_no_upper_bound(tmp_path: Path) -> None:
    drill = PlantedDrill(after_ns=900 * MS, instead={200: FAILED})
    time = time_of(drill, tmp_path)
    assert (time.lower_seconds, time.upper_seconds) == ((drill.due(200) - drill.f1) / 1e9, None)
    assert (time.first_acknowledged_ns, time.stable_until_ns, time.phases) == (None, None, ())


def test_a_slow_fault_is_not_measured_before_it_took_hold(tmp_path: Path) -> None:
    """The service goes on for two seconds while the fault is made, then dies for half a second."""
    drill = PlantedDrill(outage_ns=0, after_ns=5 * S, fault_ns=2 * S)
    drill.instead = dict.fromkeys(range(305, 355), FAILED)
    time = time_of(drill, tmp_path)
    assert time.last_bad_sent_ns == drill.due(354)
    assert time.upper_seconds == (drill.due(355) + MS - drill.f0) / 1e9


def test_the_stable_run_counts_from_the_end_of_the_fault(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=2 * S, fault_ns=500 * MS)
    assert time_of(drill, tmp_path).stable_until_ns == drill.f1 + S


def nobodys(**other: Any) -> PlantedDrill:
    without = {"fault_begin", "fault_end", "fault_effective"}
    return PlantedDrill(head=header(drill=drill_of("none")), without=without, **other)


def test_a_fault_that_is_none_of_ours(tmp_path: Path) -> None:
    drill = nobodys()
    time = time_of(drill, tmp_path)
    assert time.lower_seconds == (drill.due(150) - (drill.due(101) + 100 * MS)) / 1e9 == 0.39
    assert time.upper_seconds == (drill.due(151) + MS - drill.due(100)) / 1e9 == 0.511


def test_a_blip_of_nobodys_is_at_least_nothing(tmp_path: Path) -> None:
    drill = nobodys(outage_ns=0, after_ns=2 * S, instead={120: FAILED})
    assert bounds(drill, tmp_path) == (0.0, 0.021)


def test_what_was_served_before_a_fault_of_nobodys_is_no_recovery(tmp_path: Path) -> None:
    drill = nobodys(steady_ns=3 * S, after_ns=900 * MS)
    assert time_of(drill, tmp_path).upper_seconds is None


def test_nobodys_fault_that_nobody_saw(tmp_path: Path) -> None:
    """An outage that stayed unseen fits between a sending and the answer of the next one."""
    time = time_of(nobodys(outage_ns=0, after_ns=2 * S, instead={150: {"took": 95 * MS}}), tmp_path)
    assert (time.outage_seen, time.lower_seconds, time.upper_seconds) == (False, 0.0, 0.105)


def test_nobodys_fault_before_anything_was_served(tmp_path: Path) -> None:
    drill = nobodys(outage_ns=0, after_ns=2 * S, instead={0: FAILED, 1: FAILED})
    time = time_of(drill, tmp_path)
    assert (time.outage_seen, time.upper_seconds, time.stable_until_ns) == (True, None, drill.due(2) + S)


def test_reads_and_deletes_are_operations_too(tmp_path: Path) -> None:
    drill = PlantedDrill(deleted={60: "acknowledged", 190: "failed"}, after_ns=2500 * MS)
    assert time_of(drill, tmp_path).last_bad_sent_ns == drill.due(190) + 55 * MS + 1
