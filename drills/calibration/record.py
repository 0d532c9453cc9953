"""A calibration on disk: what was planted and what was measured, for the drills of the next 30 days."""

from __future__ import annotations

import platform
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rto_rpo import JUDGE
from rto_rpo.calibration import unfit
from rto_rpo.durable import make_folder, write_durably
from rto_rpo.ledger.records import CalibrationReference
from sites.errors import BlackstartError

_MACHINE_ID = Path("/etc/machine-id")
_NEVER_SECONDS = 1e12  # no clock that went back makes a calibration young


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutageFigures(_Strict):
    name: str
    planted_seconds: float
    planted_seconds_max: float | None = None
    lower_seconds: float | None
    upper_seconds: float | None
    width_seconds_max: float
    inside: bool
    narrow: bool


class LossFigures(_Strict):
    way: str
    planted: int
    missed: int
    invented: int


class LagFigures(_Strict):
    p50_seconds: float | None
    p99_seconds: float | None
    max_seconds: float | None
    stall_max_seconds: float


class CaseFigures(_Strict):
    outage: OutageFigures
    losses: tuple[LossFigures, ...]
    lag: LagFigures
    void: str | None
    passed: bool
    problem: str | None = None


class Calibration(_Strict):
    """`verdict`: passed, failed, or void where a case proved nothing because the machine was too busy.

    `cases` hold the last try of each case, `voided` all earlier ones, which proved nothing and were followed
    by another. What is told of errors and of lag is of all of them.
    """

    schema_: Literal["blackstart/calibration/1"] = "blackstart/calibration/1"
    utc: str
    machine: str
    judge: str
    verdict: Literal["passed", "failed", "void"]
    seconds: float
    worst_error_seconds: float | None
    cases: tuple[CaseFigures, ...]
    voided: tuple[CaseFigures, ...] = ()

    @property
    def tries(self) -> tuple[CaseFigures, ...]:
        return (*self.cases, *self.voided)

    def content(self) -> bytes:
        """The file's bytes: `sha256sum` of it gives what a ledger's header names."""
        return self.model_dump_json(indent=1).encode()

    def reference(self, now: datetime) -> CalibrationReference:
        """What the header of a run's ledger carries of it. One dated after `now` counts as infinitely old."""
        age = now - datetime.fromisoformat(self.utc)
        losses = [each for case in self.cases for each in case.losses]
        lags = [each.lag.p99_seconds for each in self.tries if each.lag.p99_seconds is not None]
        return {
            "sha256": sha256(self.content()).hexdigest(),
            "age_seconds": age.total_seconds() if age >= timedelta(0) else _NEVER_SECONDS,
            "machine": self.machine,
            "judge": self.judge,
            "passed": self.verdict == "passed",
            "outages": len(self.cases),
            "outages_outside": sum(not case.outage.inside for case in self.cases),
            "losses": sum(each.planted for each in losses),
            "losses_missed": sum(each.missed for each in losses),
            "worst_error_seconds": self.worst_error_seconds,
            "lag_p99_seconds": max(lags, default=None),
        }


def file_of(state: Path) -> Path:
    """Where a plan's state keeps its newest calibration."""
    return state / "calibration.json"


def save(calibration: Calibration, path: Path) -> None:
    make_folder(path.parent)
    write_durably(path, calibration.content())


def load(path: Path) -> Calibration | None:
    """The calibration kept there; None if there is none. Raises BlackstartError for a file that is none."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BlackstartError(
            f"cannot read calibration {path}: {error}", hint="`blackstart calibrate` makes a new one"
        ) from None


def fresh(calibration: Calibration | None) -> bool:
    """Whether a run that begins now could be met with it."""
    if calibration is None:
        return False
    return unfit(calibration.reference(datetime.now(UTC)), machine=machine(), judge=JUDGE) is None


def failed_lately(calibration: Calibration | None) -> bool:
    """Whether this instrument was seen to fail, and nobody has calibrated it again since."""
    if calibration is None or calibration.verdict != "failed":
        return False
    found = calibration.reference(datetime.now(UTC))  # by machine, version and age alone
    found |= {"passed": True, "outages": 1, "outages_outside": 0, "losses": 1, "losses_missed": 0}
    return unfit(found, machine=machine(), judge=JUDGE) is None


def calibrated(calibration: Calibration | None) -> dict[str, object]:
    """What the header of a run that is opened now says of the instrument and its machine."""
    reference = calibration.reference(datetime.now(UTC)) if calibration is not None else None
    return {"machine": machine(), "calibration": reference}


def machine() -> str:
    """This machine, by the hash of its id: the id itself is not for evidence that others read."""
    try:
        name = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    return sha256(f"blackstart {name or platform.node()}".encode()).hexdigest()[:16]
