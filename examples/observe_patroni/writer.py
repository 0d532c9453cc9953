"""A plain writer beside blackstart: `python writer.py PORT PORT < PASSWORD`, until it is ended.

It knows nothing of blackstart: one connection to whichever server takes writes, one row after the other, and
a new connection as soon as that one breaks. The rows say when a server wrote them, by its own clock, and from
when on that was tried: the first row of a connection, from when it was asked for.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import psycopg

PAUSE_SECONDS = 0.002
_TABLE = """
    CREATE TABLE IF NOT EXISTS public.reading
        (tried timestamptz NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())
"""


def write_until_broken(where: str, password: str) -> None:
    tried = datetime.now(UTC)
    with psycopg.connect(where, password=password, autocommit=True) as connection:
        connection.execute(_TABLE)
        while True:
            connection.execute("INSERT INTO public.reading (tried) VALUES (%s)", [tried])
            time.sleep(PAUSE_SECONDS)
            tried = datetime.now(UTC)


def main() -> None:
    ports, password = ",".join(sys.argv[1:]), sys.stdin.read()
    hosts = ",".join("127.0.0.1" for _ in sys.argv[1:])
    where = f"host={hosts} port={ports} dbname=postgres user=postgres connect_timeout=2"
    while True:
        try:
            write_until_broken(f"{where} target_session_attrs=read-write", password)
        except psycopg.Error:
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
