"""The real recorder and the real judge on planted trouble; and an instrument that is broken on purpose."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from drills.calibration import calibrate as calibrating
from drills.calibration import record
from drills.calibration.calibrate import calibrate, calibrated_instrument
from drills.calibration.case import FULL, LONG, LOSSES, MS, SHORT, Case
from drills.calibration.record import Calibration, CaseFigures, file_of, fresh, load, save
from drills.calibration.trial import Measure
from flows.evidence.calibration_lines import calibration_lines
from rto_rpo.measure import measure
from rto_rpo.measurement import Measurement
from sites.errors import BlackstartError

ONE = Case("refuse", 60 * MS, dict.fromkeys(LOSSES, 2), lost_after=2)


@pytest.fixture(scope="module")
def made() -> Calibration:
    return calibrate([ONE])


def blind(path: Path) -> Measurement:
    """A judge that takes no notice of what is lost."""
    found = measure(path)
    return replace(found, recovery_points=tuple(replace(each, lost=()) for each in found.recovery_points))


def hasty(path: Path) -> Measurement:
    """A judge that calls a service back before it is."""
    found = measure(path)
    times = tuple(replace(each, lower_seconds=0.0, upper_seconds=0.02) for each in found.recovery_times)
    return replace(found, recovery_times=times)


def test_planted_trouble_is_found_exactly(made: Calibration) -> None:
    (case,) = made.cases
    assert made.verdict == "passed", case
    assert {each.way for each in case.losses} == {*LOSSES, "lost after the fault"}
    assert all(1 <= each.planted <= 2 for each in case.losses), "one may have been deleted since"
    assert case.lag.p99_seconds is not None


def vague(path: Path) -> Measurement:
    """A judge whose bounds hold everything, and so say nothing."""
    found = measure(path)
    times = tuple(replace(each, lower_seconds=0.0, upper_seconds=10.0) for each in found.recovery_times)
    return replace(found, recovery_times=times)


@pytest.mark.parametrize("broken", [blind, hasty, vague])
def test_a_broken_instrument_fails(broken: Measure) -> None:
    found = calibrate([Case("reset", 40 * MS, {"lost": 4})], measured_by=broken)
    assert found.verdict == "failed"
    assert not found.reference(datetime.now(UTC))["passed"]


def test_it_is_kept_whole(made: Calibration, tmp_path: Path) -> None:
    save(made, file_of(tmp_path))
    assert load(file_of(tmp_path)) == made
    assert load(tmp_path / "none.json") is None
    (tmp_path / "torn.json").write_bytes(file_of(tmp_path).read_bytes()[:-9])
    with pytest.raises(BlackstartError, match="cannot read calibration") as error:
        load(tmp_path / "torn.json")
    assert error.value.hint


def test_what_counts_as_fresh(made: Calibration, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ahead = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert fresh(made)
    assert not fresh(None)
    for changes in ({"utc": old}, {"utc": ahead}, {"verdict": "failed"}, {"verdict": "void"}, {"judge": "0"}):
        assert not fresh(made.model_copy(update=changes)), changes
    monkeypatch.setattr(record, "machine", lambda: "another")
    assert not fresh(made)


def test_a_drill_makes_one_only_where_none_is_fresh(
    made: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = file_of(tmp_path), list[str]()
    tries = [made]
    monkeypatch.setattr(calibrating, "calibrate", lambda **_: tries.pop(0))
    assert calibrated_instrument(path, told.append) == made
    assert len(told) == 1
    assert calibrated_instrument(path, told.append) == made  # there is nothing left to make one of
    assert json.loads(path.read_text())["verdict"] == "passed"


@pytest.mark.parametrize(
    ("voids", "tries", "verdict"), [(0, 1, "passed"), (2, 3, "passed"), (3, 3, "void"), (9, 3, "void")]
)
def test_what_the_machine_was_too_busy_for_is_tried_again(
    made: Calibration, monkeypatch: pytest.MonkeyPatch, voids: int, tries: int, verdict: str
) -> None:
    (good,) = made.cases
    void = good.model_copy(update={"passed": False, "void": "the recorder stalled"})
    left, told = [void] * voids + [good] * 9, list[str]()
    monkeypatch.setattr(calibrating, "tried", lambda *_: left.pop(0))
    found = calibrate([ONE], told.append)
    assert (found.verdict, len(told), len(found.cases)) == (verdict, tries, 1)
    assert (len(found.tries), len(found.voided)) == (tries, tries - 1), "each is kept"
    assert load_again(found).tries == found.tries


def test_what_a_ledger_names_is_the_file_as_sha256sum_sees_it(made: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    save(made, path)
    assert made.reference(datetime.now(UTC))["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    again = load(path)
    assert again is not None
    assert again.reference(datetime.now(UTC))["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def load_again(made: Calibration) -> Calibration:
    return Calibration.model_validate_json(made.model_dump_json())


def test_what_is_told_of_errors_and_lag_is_of_all_tries(
    made: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that was void is no reason to tell less of what the instrument can be off by."""
    (good,) = made.cases
    off = good.outage.model_copy(
        update={"planted_seconds": 0.06, "lower_seconds": 0.05, "upper_seconds": 5.06}
    )
    lag = good.lag.model_copy(update={"p99_seconds": 3.0})
    void = good.model_copy(
        update={"passed": False, "void": "the recorder stalled", "outage": off, "lag": lag}
    )
    left = [void, good]
    monkeypatch.setattr(calibrating, "tried", lambda *_: left.pop(0))
    found = calibrate([ONE])
    assert found.verdict == "passed"
    assert found.worst_error_seconds == pytest.approx(5.0)
    assert found.reference(datetime.now(UTC))["lag_p99_seconds"] == 3.0
    assert found.reference(datetime.now(UTC))["outages"] == 1
    lines = calibration_lines(found, Path("calibration.json"))
    assert sum("VOID: the recorder stalled" in line for line in lines) == 1
    assert any("worst error" in line and "5" in line for line in lines)


def stalled(path: Path) -> Measurement:
    """A judge that finds every run void: the recorder stalled."""
    return replace(measure(path), void="the recorder stalled")


def stalled_and_blind(path: Path) -> Measurement:
    return replace(blind(path), void="the recorder stalled")


@pytest.mark.parametrize(("broken", "verdict"), [(stalled, "void"), (stalled_and_blind, "failed")])
def test_no_busy_machine_hides_a_loss_that_was_missed(
    monkeypatch: pytest.MonkeyPatch, broken: Measure, verdict: str
) -> None:
    monkeypatch.setattr(calibrating, "TRIES", 1)
    found = calibrate([Case("reset", 40 * MS, {"lost": 4})], measured_by=broken)
    assert found.verdict == verdict


def test_what_is_not_done_in_time_is_void_and_kept() -> None:
    began, told = time.monotonic(), list[str]()
    found = calibrate([ONE, ONE], told.append, limit_seconds=1.0)
    assert (found.verdict, len(found.cases), found.voided) == ("void", 2, ())
    assert all("not done in the time" in str(case.void) for case in found.cases)
    assert not found.reference(datetime.now(UTC))["passed"]
    assert not fresh(found)
    assert len(told) == 2
    assert found.seconds <= time.monotonic() - began


@pytest.mark.parametrize(("limit_seconds", "tries"), [(10.0, 3), (4.5, 2), (2.5, 1)])
def test_another_try_is_made_only_where_there_is_time_for_it(
    made: Calibration, monkeypatch: pytest.MonkeyPatch, limit_seconds: float, tries: int
) -> None:
    (good,) = made.cases
    clock = [0.0]
    void = good.model_copy(update={"passed": False, "void": "the recorder stalled"})

    def busy(*_: object) -> CaseFigures:
        clock[0] += 2.4
        return void

    monkeypatch.setattr(calibrating, "tried", busy)
    monkeypatch.setattr(calibrating, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    found = calibrate([ONE], limit_seconds=limit_seconds)
    assert (found.verdict, len(found.tries)) == ("void", tries)


def test_a_drill_waits_ten_seconds_for_one_at_most(
    made: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def limited(*, limit_seconds: float) -> Calibration:
        limits.append(limit_seconds)
        return made.model_copy(update={"verdict": "void"})

    monkeypatch.setattr(calibrating, "calibrate", limited)
    found = calibrated_instrument(file_of(tmp_path), lambda _: None)
    assert (limits, found.verdict) == ([10.0], "void")
    assert not fresh(found), "what could not be calibrated is not a pass"


def test_what_failed_is_not_tried_again(made: Calibration, monkeypatch: pytest.MonkeyPatch) -> None:
    (good,) = made.cases
    left = [good.model_copy(update={"passed": False, "problem": "not read back"}), good]
    monkeypatch.setattr(calibrating, "tried", lambda *_: left.pop(0))
    assert calibrate([ONE]).verdict == "failed"


def test_a_failed_one_stands_until_somebody_calibrates(
    made: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = file_of(tmp_path), list[str]()
    save(made.model_copy(update={"verdict": "failed"}), path)
    monkeypatch.setattr(calibrating, "calibrate", lambda **_: made)
    assert calibrated_instrument(path, told.append).verdict == "failed"
    assert "failed its calibration" in told[0]
    save(made.model_copy(update={"verdict": "failed", "judge": "0"}), path)
    assert calibrated_instrument(path, told.append) == made, "of another version: it says nothing of this one"


def test_the_short_one_plants_every_kind() -> None:
    assert {case.kind for case in SHORT} == {"refuse", "hang", "reset"}
    assert {way for case in SHORT for way in case.losses} == set(LOSSES)
    assert any(case.lost_after for case in SHORT)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_campaign_of_planted_trouble() -> None:
    """Outages from 10 ms to a minute, each within its bounds and each of those narrow enough."""
    found = calibrate([*FULL, *LONG], lambda said: print(f"tried: {said}", flush=True))  # noqa: T201
    losses = [each for case in found.cases for each in case.losses]
    for case in found.cases:
        outage = case.outage
        print(  # noqa: T201 - the figures, one planted outage a line
            f"planted: {outage.name}, really {outage.planted_seconds:.4f} to "
            f"{outage.planted_seconds_max:.4f} s; measured {outage.lower_seconds} to "
            f"{outage.upper_seconds} s, {outage.width_seconds_max:.4f} s at most"
        )
    planted = f"{len(found.cases)} outages, {sum(each.planted for each in losses)} losses"
    missed = f"{sum(each.missed for each in losses)} missed, {sum(each.invented for each in losses)} invented"
    outside = sum(not (case.outage.inside and case.outage.narrow) for case in found.cases)
    print(  # noqa: T201
        f"proof: {planted}: {missed}, {outside} outside their bounds or too wide; "
        f"worst error {found.worst_error_seconds:.4f} s"
    )
    assert [case.void for case in found.cases if case.void] == []
    assert found.verdict == "passed"
    assert [case.outage.name for case in found.cases if not case.outage.narrow] == []
