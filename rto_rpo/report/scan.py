"""One pass over a ledger for what the report shows and the judge does not need: events, UTC, densities."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import cast

import orjson

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Event, Header, Operation, Record
from rto_rpo.measurement import Measurement
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


def scan(path: Path, measurement: Measurement, outage: tuple[int, int] | None) -> Scan:
    """Read the ledger once more, in constant memory. `outage` is the stretch (ns) to count finely.

    Raises LedgerError when there is not even a header.
    """
    # A ledger that the judge measured was proven line by line just before; any other one is proven here.
    records = _parsed(path) if measurement.counts else read(path)
    header = cast("Header", next(records))
    found = Scan(header, outage, measurement.late_ns, records=1, last_ns=header["ns"])
    # The judge has said what a broken ledger means for the verdict; what came before is still worth showing.
    with suppress(LedgerError):
        for record in records:
            _take(found, record)
    return found


def _parsed(path: Path) -> Iterator[Record]:
    with path.open("rb", buffering=1 << 20) as lines:
        for line in lines:
            yield orjson.loads(line)


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
    sent_ns, completed_ns = operation["sent_ns"], operation["completed_ns"]
    whole, outage = found.densities.get(operation["stream"]) or _densities(found, operation["stream"])
    late_ns = found.late_ns
    served = operation["outcome"] == "acknowledged" and (late_ns is None or completed_ns - sent_ns <= late_ns)
    whole.add(sent_ns, served=served)
    if outage:
        outage.add(sent_ns, served=served)
    if completed_ns > found.last_ns:
        found.last_ns = completed_ns


def _densities(found: Scan, stream: str) -> tuple[Density, Density | None]:
    fine = fixed(*found.outage) if found.outage else None
    found.densities[stream] = (Density(found.header["ns"]), fine)
    return found.densities[stream]
