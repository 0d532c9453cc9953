"""What the report shows of a ledger and the judge does not need: events, UTC, densities."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter

from rto_rpo.column import ACKNOWLEDGED, CODES, OUTCOME_MASK
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import LIMIT, Event, Header, Record
from rto_rpo.measurement import Measurement
from rto_rpo.report.density import Density, fixed
from rto_rpo.run import Run

Settled = tuple[int, int, int, int]  # sent, completed, state, address


@dataclass(slots=True)
class Scan:
    """What was seen up to the end of the ledger, or up to the first line that is no part of it."""

    header: Header
    outage: tuple[int, int] | None
    late_ns: int | None
    records: int = 0
    last_ns: int = 0
    reason: str | None = None
    anchors: list[tuple[int, datetime]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    densities: dict[str, tuple[Density, Density | None]] = field(default_factory=dict)

    def utc(self, ns: int | None) -> str | None:
        """UTC of an instant by the last anchor before it (or the first one), to the microsecond."""
        if ns is None or not self.anchors:
            return None
        place = bisect_right(self.anchors, ns, key=itemgetter(0))
        at, utc = self.anchors[max(0, place - 1)]
        moment = utc + timedelta(microseconds=(ns - at) // 1000)
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def scan(run: Run, measurement: Measurement, outage: tuple[int, int] | None) -> Scan:
    """What a ledger that was taken in tells. `outage` is the stretch (ns) to count finely."""
    found = Scan(run.header, outage, measurement.late_ns, records=1, last_ns=run.header["ns"])
    if run.broken is not None:
        _before_the_break(found, run)
        return found
    for record in run.told:
        _take(found, record)
    for name, history in run.operations.streams.items():
        _count(found, name, history.settled())
    found.records = run.record_count
    return found


def _before_the_break(found: Scan, run: Run) -> None:
    """The judge has said what a broken ledger means for the verdict; what came before is worth showing."""
    sent: dict[str, list[Settled]] = {}
    with suppress(LedgerError):
        for record in islice(read(run.path), 1, None):
            found.records += 1
            if record["kind"] == "operation":
                state = CODES[record["outcome"]]
                sent.setdefault(record["stream"], []).append(
                    (record["sent_ns"], record["completed_ns"], state, 0)
                )
            else:
                _take(found, record)
    for name, operations in sent.items():
        _count(found, name, operations)


def _take(found: Scan, record: Record) -> None:
    match record["kind"]:
        case "event":
            found.events.append(record)
            found.last_ns = max(found.last_ns, record["ns"])
        case "anchor":
            with suppress(ValueError):  # "2026-99-99T…" has the shape of a date and is none
                found.anchors.append((record["ns"], datetime.fromisoformat(record["utc"])))
        case "end":
            found.reason = record["reason"]


def _count(found: Scan, stream: str, operations: Iterable[Settled]) -> None:
    """Count a stream's operations by when they were sent; one without any has no densities."""
    late_ns = LIMIT if found.late_ns is None else found.late_ns
    served, bad, last = array("q"), array("q"), found.last_ns
    for sent, completed, state, _ in operations:
        was_served = state & OUTCOME_MASK == ACKNOWLEDGED and completed - sent <= late_ns
        (served if was_served else bad).append(sent)
        if completed > last:
            last = completed
    found.last_ns = last
    if served or bad:
        whole, fine = Density(found.header["ns"]), fixed(*found.outage) if found.outage else None
        for density in (whole, fine) if fine else (whole,):
            density.add(served, served=True)
            density.add(bad, served=False)
        found.densities[stream] = whole, fine
