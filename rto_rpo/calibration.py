"""Whether the instrument of a run was calibrated: what the ledger's header says of it, judged."""

from __future__ import annotations

from typing import Final

from rto_rpo.ledger.records import CalibrationReference, Header

AGE_DAYS_MAX: Final = 30
_DAY_SECONDS: Final = 86_400
_NONE: Final = "the instrument was not calibrated: nothing shows that it would have seen a loss or an outage"


def calibration_doubt(header: Header) -> str | None:
    """Why the run cannot be met for want of a calibration; None where there is a good one.

    One counts that had something to find and passed, on the same machine and by the same judge, within 30
    days before the run.
    """
    calibration = header.get("calibration")
    if calibration is None:
        return _NONE
    return unfit(calibration, machine=header.get("machine"), judge=header["judge"])


def unfit(calibration: CalibrationReference, *, machine: str | None, judge: str) -> str | None:
    """Why a calibration does not count for a run on that machine by that judge."""
    if not calibration["passed"] or calibration["losses_missed"] or calibration["outages_outside"]:
        return "the instrument did not pass its calibration"
    if not calibration["outages"] or not calibration["losses"]:
        return "nothing was planted to calibrate the instrument on: an outage and a loss have to be"
    if machine is None or calibration["machine"] != machine:
        return "the instrument was calibrated on another machine"
    if calibration["judge"] != judge:
        return f"the instrument was calibrated with version {calibration['judge']}, and this is {judge}"
    if calibration["age_seconds"] > AGE_DAYS_MAX * _DAY_SECONDS:
        days = calibration["age_seconds"] / _DAY_SECONDS
        return f"the calibration is {days:.1f} days old, and counts for {AGE_DAYS_MAX}"
    return None
