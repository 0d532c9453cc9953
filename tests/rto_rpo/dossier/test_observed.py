"""A run as an observation must never say more than its judge did, nor keep a miss to itself."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.dossier.observed import observed as observed_
from rto_rpo.ledger.reader import read
from rto_rpo.measure import measure
from rto_rpo.report.document import document
from rto_rpo.report.model import Judgement, Report
from rto_rpo.statistics import UNKNOWN, Observation
from rto_rpo.verdict import decide
from tests.rto_rpo.histories import DICE_BYTES, make_history
from tests.rto_rpo.ledgers import write_ledger
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_run

HISTORIES = 300


def digested(report: Report) -> Digest:
    return digest(report.model_dump(mode="json", by_alias=True))


def observed(report: Report, one: Judgement, limit_seconds: float) -> tuple[Observation, str]:
    return observed_(digested(report), one, limit_seconds)


@pytest.fixture(scope="module")
def reports() -> Iterator[list[Report]]:
    """Reports of random histories, of all verdicts."""
    memory = Path("/dev/shm")  # noqa: S108 - many ledgers, each synced: memory if there is any
    dice, found = random.Random(5), []  # noqa: S311 - reproducible on purpose
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "ledger.jsonl"
        for _ in range(HISTORIES):
            write_ledger(path, *make_history(dice.randbytes(DICE_BYTES)))
            found.append(Report.model_validate(document(path, b"plan")))
        yield found


def _doubted(report: Report) -> bool:
    """Whether anything but a judgement of another promise keeps the run from being met."""
    return report.instrument.void is not None or any(
        one not in {f"{each.subject} {each.objective}: {each.reason}" for each in report.judgements}
        and not any(one.endswith(f": {each.reason}") and each.verdict != "inconclusive" for each in others)
        for others in [[*report.split_brain, *report.checks]]
        for one in report.reasons
    )


def test_the_doubts_of_a_digest_are_those_of_the_measurement(tmp_path: Path) -> None:
    dice, seen = random.Random(6), Counter[bool]()  # noqa: S311 - reproducible on purpose
    for number in range(60):
        path = tmp_path / f"{number}.jsonl"
        write_ledger(path, *make_history(dice.randbytes(DICE_BYTES)))
        measurement = measure(path)
        doubts = digest(document(path, b"plan")).doubts
        assert doubts[: len(measurement.doubts)] == list(measurement.doubts)
        judged = [one.reason for one in decide(next(read(path)), measurement).judgements]  # type: ignore[arg-type]
        assert not any(doubt.endswith(reason) for doubt in doubts for reason in judged)
        seen[bool(doubts)] += 1
    assert min(seen[True], seen[False]) >= 5, seen


def test_by_the_limit_of_the_run_it_says_what_the_judge_said(reports: list[Report]) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for one in report.judgements:
            observation, _ = observed(report, one, one.declared_seconds)
            verdict = observation.verdict(one.declared_seconds)
            spoiled = any(each.verdict == "missed" for each in report.checks)
            in_doubt = one.verdict == "met" and (_doubted(report) or spoiled)
            expected = "inconclusive" if in_doubt else one.verdict
            if any(each.verdict == "missed" for each in report.split_brain):
                expected = "missed"
            assert verdict == expected, (one, report.reasons)
            seen[one.verdict, verdict] += 1
    kept = {(each, each) for each in ("met", "missed", "inconclusive")}
    assert {*kept, ("met", "inconclusive"), ("inconclusive", "missed")} <= set(seen), seen
    assert all(count >= 5 for said, count in seen.items() if said != ("met", "missed")), seen  # two writers


def test_a_wider_promise_is_never_harder_to_keep(reports: list[Report]) -> None:
    order = {"missed": 0, "inconclusive": 1, "met": 2}
    for report in reports:
        for one in report.judgements:
            limits = sorted([0.0, one.declared_seconds, one.declared_seconds * 2, 1e6])
            seen = [order[observed(report, one, limit)[0].verdict(limit)] for limit in limits]
            assert seen == sorted(seen)


def _judged(folder: Path, run: Run, objective: str) -> tuple[Report, Judgement]:
    report = Report.model_validate(document(write_run(folder, run) / "ledger.jsonl", run.plan))
    return report, next(one for one in report.judgements if one.objective == objective)


def test_a_void_run_is_one_of_which_nothing_is_known(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, INCONCLUSIVE, "rto")
    assert one.upper_seconds is not None  # it has bounds all the same, and they must not be used
    observation, why = observed(report, one, 30.0)
    assert observation == UNKNOWN
    assert why.startswith("void: ")


def test_a_lost_write_is_a_miss_where_none_is_allowed_and_a_length_where_some_are(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, MISSED, "rpo")
    none, why = observed(report, one, 0.0)
    assert (none.verdict(0.0), why) == ("missed", "3 lost, where 0 s allows none")
    some, _ = observed(report, one, 900.0)
    assert not some.damaged
    assert some.upper_seconds == one.upper_seconds


def test_a_write_lost_after_the_recovery_is_a_miss_however_wide_the_promise(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, MISSED, "rpo")
    [point] = [each for each in report.recovery_points if each.stream == one.stream]
    late = [point.lost[0].model_copy(update={"after_recovery": True}), *point.lost[1:]]
    spoilt = report.model_copy(update={"recovery_points": [point.model_copy(update={"lost": late})]})
    observation, why = observed(spoilt, one, 1e6)
    assert (observation.verdict(1e6), why) == ("missed", "1 lost after the recovery")


@pytest.mark.parametrize("damage", ["corrupt", "duplicated", "resurrected"])
def test_damage_is_a_miss_however_wide_the_promise(tmp_path: Path, damage: str) -> None:
    report, one = _judged(tmp_path, MET, "rpo")
    [point] = [each for each in report.recovery_points if each.stream == one.stream]
    spoilt = report.model_copy(update={"recovery_points": [point.model_copy(update={damage: [7]})]})
    observation, why = observed(spoilt, one, 1e6)
    assert observation.verdict(1e6) == "missed"
    assert why == f"1 {damage}"


# Seen against the promise of today, which is far wider than the one that the run missed.
TODAY_SECONDS = 30.0
SHORT = replace(MET, rto_seconds=0.05)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (replace(SHORT, calibration=None), "calibrat"),
        (replace(SHORT, end_reason="deadline"), "the deadline passed"),
        (replace(SHORT, end_reason="orphaned"), "the orchestrator was lost"),
    ],
    ids=["uncalibrated", "ended at the deadline", "orphaned"],
)
def test_what_was_missed_then_is_not_met_by_a_wider_promise_while_the_run_is_in_doubt(
    tmp_path: Path, run: Run, said: str
) -> None:
    report, one = _judged(tmp_path, run, "rto")
    assert one.verdict == "missed"
    assert observed(report, one, one.declared_seconds)[0].verdict(one.declared_seconds) == "missed"
    assert observed(report, one, one.declared_seconds)[1] == ""
    observation, why = observed(report, one, TODAY_SECONDS)
    assert observation.verdict(TODAY_SECONDS) == "inconclusive"
    assert said in why


def test_what_was_missed_then_is_met_by_a_wider_promise_in_a_run_without_doubt(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, SHORT, "rto")
    observation, why = observed(report, one, TODAY_SECONDS)
    assert (one.verdict, observation.verdict(TODAY_SECONDS), why) == ("missed", "met", "")


def test_a_service_that_was_lost_again_is_not_met_by_a_wider_promise(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, SHORT, "rto")
    again = report.model_copy(update={"doubts": ["stream 'orders' was bad again once it had been stable"]})
    observation, why = observed(again, one, TODAY_SECONDS)
    assert observation.verdict(TODAY_SECONDS) == "inconclusive"
    assert "bad again" in why


@pytest.mark.parametrize("way", ["phantom", "unexpected", "unrecorded"])
def test_what_the_reading_leaves_open_stays_open_by_a_wider_promise(tmp_path: Path, way: str) -> None:
    report, one = _judged(tmp_path, MISSED, "rpo")
    known = _with_point(report, one, **{way: [7]})
    observation, why = observed(known, one, 900.0)
    assert observation.verdict(900.0) == "inconclusive"
    assert why.startswith(f"1 {way}")


def test_a_reading_that_does_not_count_shows_nothing_by_a_wider_promise(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, MISSED, "rpo")
    observation, why = observed(_with_point(report, one, reading_complete=False), one, 900.0)
    assert observation.verdict(900.0) == "inconclusive"
    assert why.startswith("what was read back does not count")


def test_a_loss_before_a_recovery_that_never_ended_is_not_met_by_a_wider_promise(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, MISSED, "rpo")
    times = [each.model_copy(update={"stable_until_at_seconds": None}) for each in report.recovery_times]
    observation, why = observed(report.model_copy(update={"recovery_times": times}), one, 900.0)
    assert observation.verdict(900.0) == "inconclusive"
    assert why.startswith("no stable run was seen")


def test_a_promise_that_was_tightened_is_not_met_by_writes_older_than_it(tmp_path: Path) -> None:
    """Nothing of the last second was at risk: a loss of that could not have shown."""
    report, one = _judged(tmp_path, MET, "rpo")
    old = _with_point(report, one, newest_survivor_age_seconds=1.0)
    then = one.model_copy(update={"declared_seconds": 60.0})
    for limit, expected in ((60.0, "met"), (1.0, "met"), (0.999, "inconclusive"), (0.0, "inconclusive")):
        assert observed(old, then, limit)[0].verdict(limit) == expected, limit
    assert "in the last 1 s before the fault" in observed(old, then, 0.5)[1]
    none = _with_point(report, one, newest_survivor_age_seconds=None)
    assert observed(none, then, 5.0)[0].verdict(5.0) == "inconclusive"


def test_for_none_lost_at_all_a_write_may_be_as_old_as_a_turn(tmp_path: Path) -> None:
    report, one = _judged(tmp_path, MET, "rpo")
    [stream] = [each for each in report.streams if each.name == one.stream]
    late = report.limits.late_seconds
    assert late is not None
    turn = stream.interval_seconds + 1.5 * late
    then = one.model_copy(update={"declared_seconds": 60.0})
    for age, expected in ((turn - 1e-6, "met"), (turn + 1e-6, "inconclusive")):
        old = _with_point(report, one, newest_survivor_age_seconds=age)
        assert observed(old, then, 0.0)[0].verdict(0.0) == expected


def _with_point(report: Report, one: Judgement, **changes: object) -> Report:
    points = [
        each.model_copy(update=changes) if each.stream == one.stream else each
        for each in report.recovery_points
    ]
    return report.model_copy(update={"recovery_points": points})
