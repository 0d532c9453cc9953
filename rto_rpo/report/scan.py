"""One pass over a ledger for what the report shows and the judge does not need: events, UTC, densities."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import cast

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Event, Header, Operation, Record
from rto_rpo.report.density import Density, fixed


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


def scan(path: Path, outage: tuple[int, int] | None, late_ns: int | None) -> Scan:
    """Read the ledger once, in constant memory. `outage` is the stretch (ns) to count finely.

    Raises LedgerError when there is not even a header.
    """
    records = read(path)
    header = cast("Header", next(records, None))
    if header is None:
        raise LedgerError(1, "the ledger is empty")
    found = Scan(header, outage, late_ns, records=1, last_ns=header["ns"])
    try:
        for record in records:
            _take(found, record)
    except LedgerError:
        # The judge has said what this means for the verdict; what came before is still worth showing.
        return found
    return found


def _take(found: Scan, record: Record) -> None:
    found.records += 1
    match record["kind"]:
        case "operation":
            _count(found, record)
        case "event":
            found.events.append(record)
            found.last_ns = max(found.last_ns, record["ns"])
        case "anchor":
            with suppress(ValueError):  # "2026-99-99T…" has the shape of a date and is none
                found.anchors.append((record["ns"], datetime.fromisoformat(record["utc"])))
        case "end":
            found.reason = record["reason"]


def _count(found: Scan, operation: Operation) -> None:
    whole, outage = _densities(found, operation["stream"])
    took = operation["completed_ns"] - operation["sent_ns"]
    served = operation["outcome"] == "acknowledged" and (found.late_ns is None or took <= found.late_ns)
    whole.add(operation["sent_ns"], served=served)
    if outage:
        outage.add(operation["sent_ns"], served=served)
    found.last_ns = max(found.last_ns, operation["completed_ns"])


def _densities(found: Scan, stream: str) -> tuple[Density, Density | None]:
    if stream not in found.densities:
        fine = fixed(*found.outage) if found.outage else None
        found.densities[stream] = (Density(found.header["ns"]), fine)
    return found.densities[stream]
