"""The real recorder and the real judge on planted trouble; and an instrument that is broken on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drills.calibration import calibrate as calibrating
from drills.calibration import record
from drills.calibration.calibrate import calibrate, calibrated_instrument
from drills.calibration.case import FULL, LONG, LOSSES, MS, SHORT, Case
from drills.calibration.record import Calibration, file_of, fresh, load, save
from drills.calibration.trial import Measure
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
    monkeypatch.setattr(calibrating, "calibrate", lambda: tries.pop(0))
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
    monkeypatch.setattr(calibrating, "tried", lambda _case, _measure: left.pop(0))
    found = calibrate([ONE], told.append)
    assert (found.verdict, len(told), len(found.cases)) == (verdict, tries, 1)


def test_what_failed_is_not_tried_again(made: Calibration, monkeypatch: pytest.MonkeyPatch) -> None:
    (good,) = made.cases
    left = [good.model_copy(update={"passed": False, "problem": "not read back"}), good]
    monkeypatch.setattr(calibrating, "tried", lambda _case, _measure: left.pop(0))
    assert calibrate([ONE]).verdict == "failed"


def test_a_failed_one_stands_until_somebody_calibrates(
    made: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = file_of(tmp_path), list[str]()
    save(made.model_copy(update={"verdict": "failed"}), path)
    monkeypatch.setattr(calibrating, "calibrate", lambda: made)
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
            f"planted: {outage.name}, really {outage.planted_seconds:.4f} s; measured "
            f"{outage.lower_seconds} to {outage.upper_seconds} s, {outage.width_seconds_max:.4f} s at most"
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
