"""One case: recorded by the real recorder, measured by the judge, compared with what was planted."""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from drills import recording
from drills.calibration.case import Case
from drills.calibration.comparison import Compared, compare
from drills.calibration.heard import maybe_deleted, pace_of
from drills.calibration.planter import Planter, planter
from drills.calibration.record import CaseFigures, LagFigures, LossFigures, OutageFigures
from drills.calibration.timing import OUT_OF_TIME, within
from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recording import RecorderRefusal, Recording
from rto_rpo import JUDGE
from rto_rpo.evidence.names import LEDGER_NAME
from rto_rpo.measurement import Measurement
from sites.drivers.http.client import HttpCanary
from sites.errors import BlackstartError

STREAM = "calibration"
INTERVAL_NS = 5_000_000
LIMIT_NS = 2_000_000_000
DELETE_ONE_IN = 8
STEADY_NS = 300_000_000
STABLE_NS = 300_000_000
START_SECONDS = 20.0
WAIT_SECONDS = 20.0

Measure = Callable[[Path], Measurement]


def tried(case: Case, measured_by: Measure, deadline: float = math.inf) -> CaseFigures:
    """Raises BlackstartError where the case could not be run at all.

    One that is not done by the `deadline`, an instant of the monotonic clock, is void.
    """
    room = Path(tempfile.mkdtemp(prefix="blackstart-calibration-"))
    try:
        return _tried(case, measured_by, room, deadline)
    except BlackstartError:
        if time.monotonic() < deadline:
            raise
        return _undone(case)  # whatever it was that was not done, there was no time left for it
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _tried(case: Case, measured_by: Measure, room: Path, deadline: float) -> CaseFigures:
    with planter(room, deadline) as planted:
        stamps = _record(case, planted, room, deadline)
        truth = planted.truth(stamps)
    truth = truth.without(maybe_deleted(room / LEDGER_NAME, truth))
    measured = measured_by(room / LEDGER_NAME)
    pace = pace_of(room / LEDGER_NAME, measured, INTERVAL_NS)
    return _figures(compare(case, truth, measured, STREAM, pace), measured)


def _record(case: Case, planted: Planter, room: Path, deadline: float) -> dict[str, Any]:
    recorder = recording.start(_config(room, planted.port), limit_seconds=within(START_SECONDS, deadline))
    try:
        _plant_losses(case, planted, recorder, deadline)
        stamps = _break(case, planted, recorder)
        state = recorder.wait_until(lambda state: state.stable, within(WAIT_SECONDS, deadline))
        if not state.stable:
            within(WAIT_SECONDS, deadline)  # it might have been, had there been the time
    except BaseException:
        recorder.finish("aborted")
        raise
    recorder.finish("stable")
    return stamps


def _plant_losses(case: Case, planted: Planter, recorder: Recording, deadline: float) -> None:
    _freeze(recorder, time.monotonic() + within(WAIT_SECONDS, deadline))
    for way, count in case.losses.items():
        planted.plant(way, count, STREAM)
    planted.wait_until_planted()


def _freeze(recorder: Recording, until: float) -> None:
    """One slow answer since it was steady, on a busy machine, is no reason to give up."""
    while time.monotonic() < until:
        if not recorder.wait_until(lambda state: state.steady, until - time.monotonic()).steady:
            break
        with contextlib.suppress(RecorderRefusal):
            recorder.freeze()
            return
    raise BlackstartError("the calibration's own server did not serve steadily")


def _break(case: Case, planted: Planter, recorder: Recording) -> dict[str, Any]:
    recorder.event("fault_begin", sync=True)
    planted.begin_outage(case)
    recorder.event("fault_end")
    recorder.event("fault_effective", detail={"holds": True, "how": f"the server began to {case.kind}"})
    stamps = planted.end_of_outage(case)
    if case.lost_after:
        planted.plant("lost_after", case.lost_after, STREAM)
        planted.wait_until_planted()
    return stamps


def _config(room: Path, port: int) -> RecorderConfig:
    endpoint = f"http://127.0.0.1:{port}"
    stream = StreamConfig(
        name=STREAM,
        address=endpoint,
        dataset=STREAM,
        service=STREAM,
        interval_ns=INTERVAL_NS,
        limit_ns=LIMIT_NS,
        delete_one_in=DELETE_ONE_IN,
        client=HttpCanary(endpoint),
    )
    return RecorderConfig(
        folder=room,
        header=_header(),
        streams=(stream,),
        stable_ns=STABLE_NS,
        deadline_ns=120_000_000_000,
        steady_ns=STEADY_NS,
        seed=0,
    )


def _header() -> dict[str, Any]:
    """What the ledger's header says of the run: it is judged by nobody but the comparison."""
    fault = {"kind": "calibration"}
    drill = {"name": STREAM, "kind": "isolated", "environment": None, "fault": fault, "respond": "observe"}
    return {
        "judge": JUDGE,
        "run": str(uuid4()),
        "plan": {"name": STREAM, "sha256": "0" * 64, "variables": {}},
        "drill": drill,
        "judged": [
            {"subject": STREAM, "objective": "rto", "seconds": 0.0, "stream": STREAM},
            {"subject": STREAM, "objective": "rpo", "seconds": 0.0, "stream": STREAM},
        ],
        "not_tested": [],
    }


def _figures(found: Compared, measured: Measurement) -> CaseFigures:
    lag = measured.lag
    return CaseFigures(
        outage=OutageFigures(**asdict(found.outage)),
        losses=tuple(LossFigures(**asdict(each)) for each in found.losses),
        lag=LagFigures(
            p50_seconds=lag.sent_p50_seconds,
            p99_seconds=lag.sent_p99_seconds,
            max_seconds=lag.sent_max_seconds,
            stall_max_seconds=lag.stall_max_seconds,
        ),
        void=found.void,
        passed=found.passed,
        problem=found.problem,
    )


def _undone(case: Case) -> CaseFigures:
    nothing = LagFigures(p50_seconds=None, p99_seconds=None, max_seconds=None, stall_max_seconds=0.0)
    outage = OutageFigures(
        name=case.name,
        planted_seconds=case.length_ns / 1e9,
        lower_seconds=None,
        upper_seconds=None,
        width_seconds_max=0.0,
        inside=False,
        narrow=False,
    )
    return CaseFigures(outage=outage, losses=(), lag=nothing, void=OUT_OF_TIME, passed=False)
