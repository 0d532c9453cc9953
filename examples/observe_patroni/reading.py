"""The outage as the database itself has it: the longest gap between two rows of a writer beside blackstart.

The rows are those of writer.py, and their times are the servers' own. Nothing of blackstart's canary,
recorder or judge is in this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

_GAP = """
    SELECT extract(epoch FROM before), extract(epoch FROM tried), extract(epoch FROM at)
    FROM (SELECT tried, at, lag(at) OVER (ORDER BY at) AS before FROM public.reading WHERE at >= %s) AS rows
    WHERE before IS NOT NULL
    ORDER BY at - before DESC LIMIT 1
"""


@dataclass(frozen=True)
class Reading:
    """The last row before the outage and the first one after it, in seconds of UTC.

    The writer saw the service come back somewhere between `tried`, when it began what ended in its first row,
    and that row: it is a client too, and on a busy machine one that waits.
    """

    last: float
    tried: float
    first: float

    @property
    def gap_seconds(self) -> float:
        return self.first - self.last


def read(port: int, password: str, since: datetime) -> Reading:
    """Ask the server on that port of the loopback. Raises psycopg.Error, ValueError where no row is."""
    where = f"host=127.0.0.1 port={port} dbname=postgres user=postgres connect_timeout=5"
    with psycopg.connect(where, password=password) as connection:
        row = connection.execute(_GAP, [since]).fetchone()
    if row is None:
        raise ValueError(f"nothing was written since {since.isoformat()}")
    return Reading(*map(float, row))
