"""What the comparison takes from the ledger, as plain JSON: the judge's own reader is on trial too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drills.calibration.case import Truth
from drills.calibration.comparison import Pace
from rto_rpo.ledger.records import LIMIT
from rto_rpo.measurement import Measurement


def maybe_deleted(ledger: Path, truth: Truth) -> set[int]:
    """Numbers of the writes whose deletion was asked for during the outage and never answered.

    A write whose deletion the server got is no part of its truth any more. One that the server never got,
    though the ledger says that it was acknowledged, or was left open while the service was up, is the
    recorder's own invention: it hides no planted loss.
    """
    begun_ns, ended_ns = truth.begun_ns[0], truth.ended_ns[1]
    return {
        each["number"]
        for each in _operations(ledger)
        if each["act"] == "delete"
        and each["outcome"] == "indeterminate"
        and each["sent_ns"] <= ended_ns
        and each["completed_ns"] >= begun_ns
    }


def pace_of(ledger: Path, measured: Measurement, interval_ns: int) -> Pace:
    """The slowest answer that was served, and how late that was sent from which the bounds are taken.

    That is the first after the last bad one; where nothing was bad, whichever was the latest between the
    fault and the end of the stable run.
    """
    late_ns, last_bad_ns, until_ns = measured.late_ns or 0, -1, LIMIT
    for found in measured.recovery_times:
        last_bad_ns = -1 if found.last_bad_sent_ns is None else found.last_bad_sent_ns
        until_ns = LIMIT if found.stable_until_ns is None else found.stable_until_ns
    slowest_ns, next_ns, lag_ns = 0, None, 0
    for each in _operations(ledger):
        due_ns, sent_ns = each["scheduled_ns"], each["sent_ns"]
        took_ns = each["completed_ns"] - sent_ns
        if each["outcome"] == "acknowledged" and took_ns <= late_ns:
            slowest_ns = max(slowest_ns, took_ns)
        if last_bad_ns < 0:
            if sent_ns >= (measured.fault_begin_ns or 0) and due_ns <= until_ns:
                lag_ns = max(lag_ns, sent_ns - due_ns)
        elif sent_ns > last_bad_ns and (next_ns is None or sent_ns < next_ns):
            next_ns, lag_ns = sent_ns, sent_ns - due_ns
    return Pace(interval_ns, slowest_ns, max(0, lag_ns))


def _operations(ledger: Path) -> Iterator[dict[str, Any]]:
    with ledger.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] == "operation":
                yield record
