"""The outage as a plain writer beside blackstart has it, and as the database confirms it.

The writer (writer.py) holds a connection to each server and tries a row every few milliseconds, so it
knows each end of an outage to a few milliseconds: `Stretch`. The database confirms the two rows that
matter by the instants at which it committed them. Nothing of blackstart's canary, recorder or judge is in
this. All instants are of the monotonic clock that every process of one machine shares, in nanoseconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psycopg

_COMMITTED = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM public.reading
    WHERE port = %s AND sent_ns = %s
"""
CLOCK_SLACK_NS = 2_000_000  # UTC may be slewed while a run lasts


@dataclass(frozen=True)
class Try:
    """One row that was tried: `outcome` is row, read-only, broken or unconnected."""

    port: int
    sent_ns: int
    completed_ns: int
    outcome: str


@dataclass(frozen=True)
class Stretch:
    """Something happened between two instants; where in between is not known."""

    begin_ns: int
    end_ns: int

    @property
    def width_ns(self) -> int:
        return self.end_ns - self.begin_ns


@dataclass(frozen=True)
class Reading:
    """`last` and `first` are the rows around the outage; `stopped` and `back` hold its ends.

    `stopped`: between the sendings of the last row and of the try after it, which failed. `back`: from
    the sending of the last try that failed where the first row came to be, until that row's answer.
    """

    last: Try
    first: Try
    stopped: Stretch
    back: Stretch

    @property
    def gap_ns(self) -> int:
        return self.first.completed_ns - self.last.completed_ns

    @property
    def width_ns(self) -> int:
        """By how much the outage may be longer or shorter than the gap."""
        return self.stopped.width_ns + self.back.width_ns


def tries(logs: Iterable[Path], since_ns: int, until_ns: int) -> list[Try]:
    """What was sent within that time, by its answer. The last line of a log may be cut off."""
    found = []
    for path in logs:
        for line in path.read_text().splitlines():
            port, sent, completed, outcome = [*line.split(), "", "", "", ""][:4]
            if outcome and since_ns <= int(sent) <= until_ns:
                found.append(Try(int(port), int(sent), int(completed), outcome))
    return sorted(found, key=lambda each: each.completed_ns)


def outage(found: list[Try], late_ns: int) -> Reading:
    """The longest time without a row that was answered within `late_ns`. Raises ValueError without one."""
    rows = [t for t in found if t.outcome == "row" and t.completed_ns - t.sent_ns <= late_ns]
    if len(rows) < 2:
        raise ValueError("the writer beside blackstart wrote nothing")
    last, first = max(pairwise(rows), key=lambda two: two[1].completed_ns - two[0].completed_ns)
    after = [t for t in found if t.port == last.port and t.sent_ns > last.sent_ns]
    before = [t for t in found if t.port == first.port and t.sent_ns < first.sent_ns]
    if not after or not before:
        raise ValueError("the writer beside blackstart did not try on both sides of the outage")
    stopped = Stretch(last.sent_ns, min(t.sent_ns for t in after))
    return Reading(last, first, stopped, Stretch(max(t.sent_ns for t in before), first.completed_ns))


def unconfirmed(reading: Reading, port: int, password: str, *, killed: bool) -> str | None:
    """What the server on that port has to object to the writer's own word; None when it confirms it.

    The first row must be there, committed between its sending and its answer. So must the last one,
    unless its server was `killed` and it was lost there: no word about it can be had then. Raises
    psycopg.Error.
    """
    offset_ns = time.time_ns() - time.monotonic_ns()
    where = f"host=127.0.0.1 port={port} dbname=postgres user=postgres connect_timeout=5"
    with psycopg.connect(where, password=password) as connection:
        for name, row in (("last", reading.last), ("first", reading.first)):
            told = connection.execute(_COMMITTED, [row.port, row.sent_ns]).fetchone()
            if told is None:
                if name == "last" and killed:
                    continue
                return f"the {name} row beside the outage is not in the database"
            at_ns = int(told[0] * 1_000_000_000) - offset_ns
            if not row.sent_ns - CLOCK_SLACK_NS <= at_ns <= row.completed_ns + CLOCK_SLACK_NS:
                return f"the {name} row was committed {(at_ns - row.sent_ns) / 1e6:+.1f} ms from its sending"
    return None
