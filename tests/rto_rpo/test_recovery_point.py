"""RPA: an example for every sentence of the method. f0 is 3 ms after number 100 was due; f1 is 5 ms later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.measurement import RecoveryPoint
from tests.rto_rpo.ledgers import (
    MS,
    T0,
    PlantedDrill,
    S,
    drill_of,
    event,
    header,
    intents,
    judged,
    judged_run,
    operation,
    reading,
    sha256_of,
    stream,
)  # fmt: skip

FAILED = {"outcome": "failed", "cause": "refused"}
UNKNOWN = {"outcome": "indeterminate", "cause": "timeout"}


def point_of(drill: PlantedDrill, folder: Path) -> RecoveryPoint:
    (point,) = judged_run(drill, folder)[0].recovery_points
    return point


def with_rows(drill: PlantedDrill, *rows: int) -> PlantedDrill:
    drill.reading = {"rows": drill.rows() + [(number, sha256_of(number)) for number in rows]}
    return drill


def test_nothing_lost(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(), tmp_path)
    assert (point.lower_seconds, point.upper_seconds, point.lost) == (0.0, 0.0, ())
    assert (point.acknowledged_count, point.failed_count, point.read_count) == (210, 50, 210)
    assert point.loss_rate_bound == 3 / 210


def test_lost_is_acknowledged_and_not_read_back(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={95, 97, 98})
    point = point_of(drill, tmp_path)
    assert [write.number for write in point.lost] == [95, 97, 98]
    assert point.lost[1].payload == sha256_of(97)
    assert point.lost[1].sent_ns == drill.due(97)
    assert point.lost[1].acknowledged_ns == drill.due(97) + MS
    assert point.loss_rate_bound is None
    oldest = drill.due(95) + MS
    assert point.lower_seconds == (drill.f0 - oldest) / 1e9
    assert point.upper_seconds == (drill.f1 - (drill.due(94) + MS)) / 1e9


def test_oldest_and_newest_go_by_their_acknowledgement(tmp_path: Path) -> None:
    """90 was acknowledged after 91, and 92 at the same instant as 90."""
    drill = PlantedDrill(lost={90, 91}, instead={90: {"took": 21 * MS}})
    point = point_of(drill, tmp_path)
    assert point.lower_seconds == (drill.f0 - (drill.due(91) + MS)) / 1e9
    assert point.upper_seconds == (drill.f1 - (drill.due(89) + MS)) / 1e9


def test_a_loss_after_the_fault_reaches_beyond_it(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={99, 160})
    point = point_of(drill, tmp_path)
    assert point.lower_seconds == (drill.due(160) - drill.due(99)) / 1e9
    assert point.upper_seconds == (drill.due(160) - drill.due(98)) / 1e9
    assert [(write.after_fault, write.after_recovery) for write in point.lost] == [
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize(("number", "after"), [(151, False), (152, True)])
def test_after_the_recovery_is_sent_after_b(tmp_path: Path, number: int, after: bool) -> None:
    (lost,) = point_of(PlantedDrill(lost={number}), tmp_path).lost
    assert (lost.after_fault, lost.after_recovery) == (True, after)


def test_in_flight_when_the_fault_began_is_acknowledged_after_it(tmp_path: Path) -> None:
    (lost,) = point_of(PlantedDrill(lost={100}, instead={100: {"took": 4 * MS}}), tmp_path).lost
    assert (lost.after_fault, lost.after_recovery) == (True, False)


def test_a_write_deleted_is_nobodys_loss(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(deleted={3: "acknowledged", 4: "indeterminate"}, lost={3, 4}), tmp_path)
    assert (point.lost, point.acknowledged_count, point.resurrected) == ((), 208, ())


def test_a_delete_that_failed_deletes_nothing(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(deleted={3: "failed"}, lost={3}), tmp_path)
    assert [write.number for write in point.lost] == [3]


def test_an_acknowledged_delete_that_is_back(tmp_path: Path) -> None:
    drill = PlantedDrill(deleted={3: "acknowledged", 4: "indeterminate"})
    point = point_of(with_rows(drill, 3, 4), tmp_path)
    assert (point.resurrected, point.unexpected) == ((3,), ())


def test_corrupt_is_not_lost(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(corrupt={7}), tmp_path)
    assert (point.corrupt, point.lost) == ((7,), ())


def test_duplicated(tmp_path: Path) -> None:
    point = point_of(with_rows(PlantedDrill(duplicated={8}), 10**6, 10**6), tmp_path)
    assert (point.duplicated, point.unexpected) == ((8,), (10**6,))


def test_phantoms_were_refused_and_are_there(tmp_path: Path) -> None:
    assert point_of(with_rows(PlantedDrill(), 120), tmp_path).phantom == (120,)


def test_indeterminate_is_kept_or_not_and_never_lost(tmp_path: Path) -> None:
    drill = with_rows(PlantedDrill(instead={120: UNKNOWN, 121: UNKNOWN}), 120)
    point = point_of(drill, tmp_path)
    assert (point.indeterminate_kept, point.indeterminate_not_kept) == ((120,), (121,))
    assert (point.lost, point.indeterminate_count) == ((), 2)


def test_an_intent_without_an_outcome(tmp_path: Path) -> None:
    drill = with_rows(PlantedDrill(instead={3: None, 4: None}), 4)
    point = point_of(drill, tmp_path)
    assert (point.unrecorded, point.indeterminate_kept) == ((3,), (4,))
    assert (point.upper_seconds, point.unexpected) == (None, ())


def test_a_delete_without_an_outcome(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={3})
    drill.more = [intents(number, 1, drill.due(50) + number, act="delete") for number in (3, 4)]
    point = point_of(drill, tmp_path)
    assert (point.unrecorded, point.lost, point.upper_seconds) == ((3,), (), None)


def test_a_reading_that_does_not_count_says_nothing(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(lost={3}, corrupt={4}, reading={"end": False}), tmp_path)
    assert (point.reading_complete, point.lower_seconds, point.upper_seconds) == (False, None, None)
    assert (point.lost, point.corrupt, point.acknowledged_count) == ((), (), 210)


def test_the_age_of_the_newest_survivor(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={98, 99, 100})
    assert point_of(drill, tmp_path).newest_survivor_age_seconds == (drill.f0 - drill.due(97) - MS) / 1e9


def test_nothing_survived(tmp_path: Path) -> None:
    point = point_of(PlantedDrill(lost=set(range(300))), tmp_path)
    assert (point.newest_survivor_age_seconds, len(point.lost)) == (None, 210)


def test_a_fault_that_nobody_saw_may_be_as_late_as_the_reading(tmp_path: Path) -> None:
    head = header(drill=drill_of("none"))
    drill = PlantedDrill(head=head, outage_ns=0, after_ns=2 * S, lost={50, 60})
    drill.without = {"fault_begin", "fault_end", "fault_effective"}
    point = point_of(drill, tmp_path)
    assert point.lower_seconds == 0.1
    assert point.upper_seconds == (drill.over - drill.due(49) - MS) / 1e9


def test_marks_in_a_restored_dataset_are_judged_by_the_faults_own_instants(tmp_path: Path) -> None:
    marks = stream("marks", "marks", dataset="strategies", service=None, address=None, interval_ns=100 * MS)
    head = header(streams=[stream(), marks], judged=[judged("strategies", "rpo", 1.0, "marks")])
    drill = PlantedDrill(head=head)
    dues = [T0 + 100 * MS + 100 * MS * number for number in range(10)]
    found: list[dict[str, Any]] = [intents(0, 10, dues[0], 100 * MS, stream="marks")]
    found += [operation(number, due, stream="marks") for number, due in enumerate(dues)]
    found += [event("restored", drill.f1 + 50 * MS, dataset="strategies")]
    found += reading([(number, sha256_of(number, "marks")) for number in range(8)], drill.over, "marks")
    drill.more = found
    measurement, decision = judged_run(drill, tmp_path)
    point = measurement.recovery_points[1]
    assert [write.number for write in point.lost] == [8, 9]
    assert point.lower_seconds == (drill.f0 - dues[8] - MS) / 1e9
    assert point.upper_seconds == (drill.f1 - dues[7] - MS) / 1e9
    assert decision.verdict == "met"


@pytest.mark.parametrize("restored", [True, False])
def test_what_serves_may_be_older_than_the_run_unless_a_write_before_the_loss_is_there(
    tmp_path: Path, restored: bool
) -> None:
    """A replica may stand still since yesterday, like a backup: then all is lost that the run wrote."""
    told = stream(**({"restored": True} if restored else {}))
    for folder, lost, known in (
        ("all", set(range(100)), False),
        ("first", {0}, False),
        ("some", set(range(50, 100)), True),
    ):
        (tmp_path / folder).mkdir()
        drill = PlantedDrill(lost=lost, head=header(streams=[told]))
        point = point_of(drill, tmp_path / folder)
        assert len(point.lost) == len(lost)
        assert (point.upper_seconds is not None) == known
