"""Met, missed or inconclusive, each with its reason in plain English and with the numbers in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.measurement import Decision
from rto_rpo.verdict import ONE_WRITER_UNTESTED
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
    sha256_of,
    stall,
)

FAILED = {"outcome": "failed", "cause": "refused"}
UNKNOWN = {"outcome": "indeterminate", "cause": "timeout"}


def decided(
    drill: PlantedDrill, folder: Path, *, rto: float | None = None, rpo: float | None = None
) -> Decision:
    objectives = [judged("gateway", "rto", rto)] if rto is not None else []
    objectives += [judged("orders", "rpo", rpo)] if rpo is not None else []
    drill.head = {**drill.head, "judged": objectives}
    return judged_run(drill, folder)[1]


def only(decision: Decision) -> tuple[str, str]:
    (found,) = decision.judgements
    assert decision.verdict == found.verdict
    return found.verdict, found.reason


@pytest.mark.parametrize(
    ("rto", "expected"),
    [
        (0.508, ("met", "upper bound 0.508 s is within 0.508 s")),
        (0.507999999, ("inconclusive", "0.507999999 s lies between the bounds 0.492 s and 0.508 s")),
        (0.492, ("inconclusive", "0.492 s lies between the bounds 0.492 s and 0.508 s")),
        (0.491999999, ("missed", "lower bound 0.492 s is beyond 0.491999999 s")),
        (0.0, ("missed", "lower bound 0.492 s is beyond 0 s")),
    ],
)
def test_a_recovery_time_within_beyond_and_between(
    tmp_path: Path, rto: float, expected: tuple[str, str]
) -> None:
    assert only(decided(PlantedDrill(), tmp_path, rto=rto)) == expected


def test_no_outage_seen_is_said(tmp_path: Path) -> None:
    drill = PlantedDrill(outage_ns=0, after_ns=2 * S)
    assert only(decided(drill, tmp_path, rto=1)) == (
        "met",
        "upper bound 0.011 s is within 1 s; no outage was seen",
    )


def test_no_stable_run(tmp_path: Path) -> None:
    drill = PlantedDrill(after_ns=900 * MS)
    verdict, reason = only(decided(drill, tmp_path, rto=1))
    assert verdict == "inconclusive"
    assert reason.startswith(
        "no stable run of 1 s was seen, so there is no upper bound; the lower bound 0.492 s"
    )
    assert only(decided(drill, tmp_path, rto=0.4)) == ("missed", "lower bound 0.492 s is beyond 0.4 s")


def test_nothing_served_before_the_outage(tmp_path: Path) -> None:
    drill = PlantedDrill(
        head=header(drill=drill_of("none")), outage_ns=0, after_ns=2 * S, instead={0: FAILED}
    )
    drill.without = {"fault_begin", "fault_end", "fault_effective"}
    verdict, reason = only(decided(drill, tmp_path, rto=1))
    assert (verdict, reason[:38]) == ("inconclusive", "nothing was served before the outage, ")


def test_nothing_lost(tmp_path: Path) -> None:
    expected = "0 of 210 acknowledged writes lost, which proves only a loss rate below about 0.014"
    assert only(decided(PlantedDrill(), tmp_path, rpo=0)) == ("met", expected)


@pytest.mark.parametrize(
    ("rpo", "expected"),
    [
        (0.0, ("missed", "2 acknowledged writes lost, where 0 s allows none")),
        (
            0.021999999,
            ("missed", "lower bound 0.022 s is beyond 0.021999999 s; 2 of 210 acknowledged writes lost"),
        ),
        (
            0.022,
            (
                "inconclusive",
                "0.022 s lies between the bounds 0.022 s and 0.037 s; 2 of 210 acknowledged writes lost",
            ),
        ),
        (0.037, ("met", "upper bound 0.037 s is within 0.037 s; 2 of 210 acknowledged writes lost")),
    ],
)
def test_a_recovery_point_within_beyond_and_between(
    tmp_path: Path, rpo: float, expected: tuple[str, str]
) -> None:
    assert only(decided(PlantedDrill(lost={98, 99}), tmp_path, rpo=rpo)) == expected


def test_one_lost_at_the_instant_of_the_fault_is_missed_by_an_rpo_of_nothing(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={100}, instead={100: {"took": 3 * MS}})
    assert only(decided(drill, tmp_path, rpo=0)) == (
        "missed",
        "1 acknowledged write lost, where 0 s allows none",
    )


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"lost": {200}}, "1 acknowledged write lost that came after the recovery"),
        ({"corrupt": {5}}, "1 write corrupt"),
        ({"duplicated": {5, 6}}, "2 writes duplicated"),
        (
            {"deleted": {3: "acknowledged"}, "reading": {"rows": [(n, sha256_of(n)) for n in range(101)]}},
            "1 deleted write back",
        ),
        ({"corrupt": {5}, "duplicated": {5}}, "1 write corrupt, 1 write duplicated"),
    ],
)
def test_what_no_objective_allows(tmp_path: Path, planted: dict[str, Any], reason: str) -> None:
    drill = PlantedDrill(**planted)
    drill.instead = dict.fromkeys(range(101, 151), FAILED) | {3: {}}
    verdict, found = only(decided(drill, tmp_path, rpo=3600))
    assert verdict == "missed"
    assert reason in found


@pytest.mark.parametrize(
    ("planted", "reason"),
    [
        ({"reading": {"end": False}}, "the reading does not count: the reading has no end marker"),
        ({"without": {"reading"}}, "the reading does not count: it was never read back"),
        ({"instead": {3: None}}, "1 number without a recorded outcome not read back"),
        ({"unexpected": {999}}, "0 failed writes and 1 number that nobody sent were read back"),
        (
            {"reading": {"rows": [*PlantedDrill().rows(), (120, sha256_of(120))]}},
            "1 failed write and 0 numbers that nobody sent were read back",
        ),
        (
            {"instead": dict.fromkeys(range(101), UNKNOWN)},
            "no write was acknowledged before the fault, so none was at risk",
        ),
        (
            {"steady_ns": 12 * S, "instead": dict.fromkeys(range(150, 1201), UNKNOWN)},
            "nothing was acknowledged in the last 10.5 s before the fault: nothing of it was at risk",
        ),
        ({"after_ns": 900 * MS}, "no stable run was seen, so the recovery had not ended"),
    ],
)
def test_what_leaves_a_recovery_point_open(tmp_path: Path, planted: dict[str, Any], reason: str) -> None:
    assert only(decided(PlantedDrill(**planted), tmp_path, rpo=10)) == ("inconclusive", reason)


def test_a_loss_beyond_the_objective_is_missed_whatever_else_is_open(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={50, 98}, unexpected={999})
    assert only(decided(drill, tmp_path, rpo=0.1))[0] == "missed"
    assert only(decided(drill, tmp_path, rpo=10))[0] == "inconclusive"


def test_a_void_run_decides_nothing_that_was_timed(tmp_path: Path) -> None:
    drill = PlantedDrill(lost={50, 98})
    drill.more = [stall(drill.f1, drill.f1 + 60 * MS)]
    for rto, rpo in ((0.1, None), (30, None), (None, 0.1), (None, 10)):
        decision = decided(drill, tmp_path, rto=rto, rpo=rpo)
        assert only(decision) == ("inconclusive", "the run is void, so nothing that it timed can be trusted")
        assert decision.reasons[0].startswith(
            "the run is void: stream 'orders': the recorder stalled for 0.060 s"
        )


@pytest.mark.parametrize(
    "planted",
    [{"lost": {98}}, {"corrupt": {98}}, {"duplicated": {98}}, {"lost": {98}, "end_reason": "aborted"}],
)
def test_a_void_run_does_not_soften_what_needs_no_clock(tmp_path: Path, planted: dict[str, Any]) -> None:
    drill = PlantedDrill(**planted)
    drill.more = [stall(drill.f1, drill.f1 + 60 * MS)]
    assert only(decided(drill, tmp_path, rpo=0))[0] == "missed"


def test_a_void_run_without_damage_is_inconclusive_not_met(tmp_path: Path) -> None:
    assert only(decided(PlantedDrill(end_reason="aborted"), tmp_path, rpo=0))[0] == "inconclusive"


@pytest.mark.parametrize("verdict", ["met", "missed", "inconclusive"])
def test_checks_count(tmp_path: Path, verdict: str) -> None:
    drill = PlantedDrill()
    drill.more = [event("check", drill.f1, name="reconciliation", verdict=verdict, reason="3 orders known")]
    decision = decided(drill, tmp_path, rto=1, rpo=0)
    assert decision.verdict == verdict
    assert decision.reasons[-1] == "check reconciliation: 3 orders known"


def test_one_missed_is_missed_however_many_are_met(tmp_path: Path) -> None:
    decision = decided(PlantedDrill(lost={98}), tmp_path, rto=1, rpo=0)
    assert [each.verdict for each in decision.judgements] == ["met", "missed"]
    assert decision.verdict == "missed"


def test_missed_wins_over_inconclusive(tmp_path: Path) -> None:
    decision = decided(PlantedDrill(lost={98}), tmp_path, rto=0.5, rpo=0)
    assert [each.verdict for each in decision.judgements] == ["inconclusive", "missed"]
    assert decision.verdict == "missed"


@pytest.mark.parametrize(
    ("end", "reason"), [("orphaned", "the orchestrator was lost"), ("deadline", "the deadline passed before")]
)
def test_a_run_that_was_not_led_to_its_end_is_not_met_though_its_objectives_are(
    tmp_path: Path, end: str, reason: str
) -> None:
    decision = decided(PlantedDrill(end_reason=end), tmp_path, rto=1, rpo=0)
    assert [each.verdict for each in decision.judgements] == ["met", "met"]
    assert decision.verdict == "inconclusive"
    assert decision.reasons[-1].startswith(reason)


def test_a_service_that_was_not_well_when_the_fault_came_is_not_met(tmp_path: Path) -> None:
    down_before = dict.fromkeys(range(80, 101), UNKNOWN)
    decision = decided(PlantedDrill(instead=down_before), tmp_path, rto=1, rpo=10)
    assert [each.verdict for each in decision.judgements] == ["met", "met"]
    assert decision.verdict == "inconclusive"
    assert decision.reasons[-1].startswith("stream 'orders' was not served right before the fault")


def test_that_nobody_looked_for_a_second_writer_stands_beside_every_verdict(tmp_path: Path) -> None:
    def reasons(**drill: Any) -> tuple[str, ...]:
        head = header(drill=drill_of("kill_site", **drill), judged=[judged("gateway", "rto", 30.0)])
        ended = [event("check", T0 + 3 * S, name="runbook", verdict="met", reason="done")]
        return judged_run(PlantedDrill(head=head, more=ended), tmp_path)[1].reasons

    assert reasons(respond="runbook")[-1] == ONE_WRITER_UNTESTED
    assert ONE_WRITER_UNTESTED not in reasons(respond="observe")


def test_nothing_judged_is_nothing_proven(tmp_path: Path) -> None:
    decision = decided(PlantedDrill(), tmp_path)
    assert (decision.verdict, decision.reasons) == (
        "inconclusive",
        ("nothing was judged, so nothing is proven",),
    )


@pytest.mark.parametrize("name", [None, "absent"])
def test_an_objective_that_nothing_measures(tmp_path: Path, name: str | None) -> None:
    objectives = [judged("engine", "rto", 300.0, name), judged("ticks", "rpo", 900.0, name)]
    _, decision = judged_run(PlantedDrill(head=header(judged=objectives)), tmp_path)
    assert [each.verdict for each in decision.judgements] == ["inconclusive", "inconclusive"]
    assert decision.judgements[0].reason == "the run has no measurement of it"


def test_objectives_not_tested_are_named_and_not_judged(tmp_path: Path) -> None:
    head = header(not_tested=[judged("ticks", "rpo", 900.0, None)])
    _, decision = judged_run(PlantedDrill(head=head), tmp_path)
    assert decision.verdict == "met"
    assert [(each.subject, each.seconds) for each in decision.not_tested] == [("ticks", 900.0)]


def test_a_judgement_carries_its_bounds(tmp_path: Path) -> None:
    time, point = decided(PlantedDrill(lost={98, 99}), tmp_path, rto=1, rpo=1).judgements
    assert (time.lower_seconds, time.upper_seconds, time.declared_seconds) == (0.492, 0.508, 1)
    assert (point.lower_seconds, point.upper_seconds, point.objective) == (0.022, 0.037, "rpo")


def test_a_delete_that_is_back_is_missed_though_it_was_sent_late(tmp_path: Path) -> None:
    drill = PlantedDrill(
        reading={"rows": [(n, sha256_of(n)) for n in range(260) if n not in range(101, 151)]}
    )
    due = drill.due(255)
    drill.more = [intents(2, 1, due, act="delete"), operation(2, due, act="delete")]
    assert only(decided(drill, tmp_path, rpo=10)) == ("missed", "1 deleted write back")


def test_a_drill_without_a_fault_in_which_nothing_happened_tested_nothing(tmp_path: Path) -> None:
    fault = {"fault_begin", "fault_end", "fault_effective"}
    quiet = PlantedDrill(head=header(drill=drill_of("none")), outage_ns=0, without=fault)
    found = decided(quiet, tmp_path, rto=30.0)
    assert found.verdict == "inconclusive"
    assert "nothing was injected and no outage was seen, so nothing was tested" in found.reasons


@pytest.mark.parametrize(("told", "expected"), [(True, "met"), (False, "inconclusive")])
def test_a_runbook_that_nothing_tells_of_is_not_met(tmp_path: Path, told: bool, expected: str) -> None:
    drill = PlantedDrill(head=header(drill=drill_of("kill_site", respond="runbook")))
    if told:
        drill.more = [
            *drill.more,
            event("check", drill.f1 + MS, name="runbook", verdict="met", reason="done"),
        ]
    assert decided(drill, tmp_path, rto=30.0, rpo=0.0).verdict == expected
