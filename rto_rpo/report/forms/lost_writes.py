"""CSV: every write that went wrong, by its number, for spreadsheets and the venue's own records."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from rto_rpo.report import sentences
from rto_rpo.report.model import LostWrite, RecoveryPoint, Report
from rto_rpo.report.visible import visible

COLUMNS = (
    *("run", "stream", "dataset", "number", "what", "counts_as", "when"),
    *("payload_sha256", "sent_at_seconds", "acknowledged_at_seconds", "acknowledged_utc", "run_in_doubt"),
)
# A spreadsheet takes a cell that begins so for a formula, whoever wrote it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lost_writes(content: dict[str, Any]) -> str:
    """The CSV (RFC 4180) of a report's content: a heading, and a line for each such write."""
    report = Report.model_validate(content)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for point in sentences.points(report):
        writer.writerows(_rows(report, point))
    return out.getvalue()


def _rows(report: Report, point: RecoveryPoint) -> Iterator[tuple[str, ...]]:
    doubt = _text("; ".join(report.doubts) or "no")
    known = {write.number: write for write in point.lost}
    dataset = next((one.dataset for one in report.streams if one.name == point.stream), None)
    for what, _, counts_as, numbers in sentences.ways(point):
        for number in numbers:
            write = known.get(number) if what == "Lost" else None
            start = (report.run, _text(point.stream), _text(dataset or ""), str(number))
            yield (*start, what.lower(), counts_as, *_details(write), doubt)


def _details(write: LostWrite | None) -> tuple[str, ...]:
    if write is None:
        return ("", "", "", "", "")
    when = "after recovery" if write.after_recovery else "after the fault" if write.after_fault else "before"
    seconds = (f"{write.sent_at_seconds:.6f}", f"{write.acknowledged_at_seconds:.6f}")
    return (when, write.payload, *seconds, write.acknowledged_utc or "")


def _text(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
