"""Whether blackstart and the database's own reading agree, end by end; and why one number is not enough.

Both look only now and then: the canary once an interval, the writer after each row. So they see an outage
begin and end by up to an interval apart, each end by itself, and its length by up to two. What has to hold is
asked of each end: the writer's row there, from its trying to its being written, lies within one interval of
the stretch in which the canary's own operations show that it happened. And the length that the rows tell lies
within the bounds, give or take one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from reading import Reading

from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Anchor
from rto_rpo.measure import measure

Instants = tuple[float, float]


@dataclass(frozen=True)
class Seen:
    """What a ledger tells, in seconds, instants in UTC.

    Around the longest stretch without an acknowledged write that is there afterwards the service stopped
    within `last`, from the sending of the last one before it to its answer or the next sending; and came back
    within `first`, from the sending of the first one after it to its answer. What was acknowledged in between
    and lost is `lost` seconds long: no outage, but the database has none of its rows either. `late_answers`
    were acknowledged after `first`, and too late to end the outage.
    """

    interval: float
    lower: float
    upper: float | None
    last: Instants
    first: Instants
    lost: float
    late_answers: int


@dataclass(frozen=True)
class Agreement:
    """How far the reading is off at each end, and what of that is too much."""

    begin_off: float
    end_off: float
    disagreements: tuple[str, ...]


def seen(ledger: Path) -> Seen:
    """Raises ValueError where the ledger measures no recovery of its one stream of clients."""
    measured = measure(ledger)
    records = list(read(ledger))
    header = records[0]
    if header["kind"] != "header" or not measured.recovery_times:
        raise ValueError(f"{ledger} measures no recovery")
    (time,), (point,) = measured.recovery_times, measured.recovery_points
    (clients,) = [stream for stream in header["streams"] if stream["role"] == "clients"]
    lost = {write.number for write in point.lost}
    sent = [each for each in records if each["kind"] == "operation" and each["stream"] == clients["name"]]
    kept = [each for each in sent if each["outcome"] == "acknowledged" and each["number"] not in lost]
    kept.sort(key=lambda each: each["completed_ns"])
    last, first = max(pairwise(kept), key=lambda two: two[1]["completed_ns"] - two[0]["completed_ns"])
    offset = _utc_offset([each for each in records if each["kind"] == "anchor"][-1])
    following = min((each["sent_ns"] for each in sent if each["sent_ns"] > last["sent_ns"]), default=0)
    stopped_ns = max(last["completed_ns"], following)
    lost_until_ns = max(
        (
            each["sent_ns"]
            for each in sent
            if each["number"] in lost and each["completed_ns"] < first["completed_ns"]
        ),
        default=0,
    )
    late_ns, served_ns = measured.late_ns or 0, time.first_acknowledged_ns or 0
    late = [
        each
        for each in kept
        if first["completed_ns"] <= each["completed_ns"] < served_ns
        and each["completed_ns"] - each["sent_ns"] > late_ns
    ]
    return Seen(
        interval=clients["interval_ns"] / 1e9,
        lower=time.lower_seconds,
        upper=time.upper_seconds,
        last=(last["sent_ns"] / 1e9 + offset, stopped_ns / 1e9 + offset),
        first=(first["sent_ns"] / 1e9 + offset, first["completed_ns"] / 1e9 + offset),
        lost=max(0, lost_until_ns - last["sent_ns"]) / 1e9,
        late_answers=len(late),
    )


def agreement(found: Seen, reading: Reading) -> Agreement:
    """Hold the two against each other."""
    begin_off = _off((reading.last, reading.last), found.last)
    end_off = _off((reading.tried, reading.first), found.first)
    said = []
    for end, off in (("began", begin_off), ("ended", end_off)):
        if abs(off) > found.interval:
            said.append(f"the outage {end} {off * 1000:+.1f} ms off the operations that blackstart has there")
    gap, least = reading.gap_seconds, reading.tried - reading.last
    if found.upper is None or least > found.upper + found.lost + found.interval:
        said.append(f"the reading, {gap:.3f} s, is beyond the upper bound {found.upper}")
    # An answer that came late is no service to blackstart, and a row like any other to the writer.
    if not found.late_answers and gap < found.lower - found.interval:
        said.append(f"the reading, {gap:.3f} s, is below the lower bound {found.lower}")
    return Agreement(begin_off, end_off, tuple(said))


def _off(row: Instants, stretch: Instants) -> float:
    """How long after the stretch the row's own begins; negative: before it; 0: they meet."""
    return min(row[1] - stretch[0], 0.0) + max(row[0] - stretch[1], 0.0)


def _utc_offset(anchor: Anchor) -> float:
    """From the recorder's clock to UTC, which is the servers' too: all of it is on one machine."""
    return datetime.fromisoformat(anchor["utc"]).timestamp() - anchor["ns"] / 1e9
