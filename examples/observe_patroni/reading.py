"""The outage as the database itself has it: the longest gap between two rows, by the servers' own clock.

Nothing of blackstart's recorder or judge is in this: the rows say when a server wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

_GAP = """
    SELECT extract(epoch FROM written - before)::float8
    FROM (SELECT written, lag(written) OVER (ORDER BY written) AS before
          FROM blackstart.canary WHERE stream = %s) AS rows
    WHERE before IS NOT NULL
    ORDER BY 1 DESC LIMIT 1
"""


@dataclass(frozen=True)
class Reading:
    """`gap_seconds`: between the last row before the outage and the first one after it."""

    gap_seconds: float


def read(port: int, password: str, stream: str) -> Reading:
    """Ask the server on that port of the loopback; `stream` is RUN/DATASET. Raises psycopg.Error."""
    login = {
        "host": "127.0.0.1",
        "port": port,
        "dbname": "postgres",
        "user": "postgres",
        "password": password,
    }
    with psycopg.connect(**login, connect_timeout=5) as connection:  # type: ignore[arg-type]
        row = connection.execute(_GAP, [stream]).fetchone()
    if row is None:
        raise ValueError(f"no rows of {stream}")
    return Reading(float(row[0]))
