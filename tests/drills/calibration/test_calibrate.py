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


@pytest.mark.parametrize("broken", [blind, hasty])
def test_a_broken_instrument_fails(broken: calibrating.Measure) -> None:
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
    tries = [made.model_copy(update={"verdict": "void"}), made]
    monkeypatch.setattr(calibrating, "calibrate", lambda: tries.pop(0))
    assert calibrated_instrument(path, told.append) == made
    assert tries == []
    assert len(told) == 1
    assert calibrated_instrument(path, told.append) == made  # there is nothing left to make one of
    assert json.loads(path.read_text())["verdict"] == "passed"


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
def test_campaign_of_planted_trouble() -> None:
    """Outages from 10 ms to a minute, each within its bounds and each of those narrow enough."""
    found = calibrate([*FULL, *LONG])
    losses = [each for case in found.cases for each in case.losses]
    planted = f"{len(found.cases)} outages, {sum(each.planted for each in losses)} losses"
    print(f"proof: {planted}; worst error {found.worst_error_seconds:.4f} s")  # noqa: T201
    assert [case.void for case in found.cases if case.void] == []
    assert found.verdict == "passed"
    assert [case.outage.name for case in found.cases if not case.outage.narrow] == []
