"""A plain writer beside blackstart: `python writer.py PORT LOG < PASSWORD`, until it is ended.

It knows nothing of blackstart. It holds one connection to one server, whatever that server's role, and
tries to write a row every few milliseconds: a standby refuses each, until the instant when it is
promoted. No connection has to be made then, which is what makes this reading fine. Every try goes into
the log.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import psycopg

PAUSE_SECONDS = 0.002  # without one it would take from the others the time that is measured
NICENESS = -5  # it must not wait for what it measures; only root may ask for that
_TABLE = "CREATE TABLE IF NOT EXISTS public.reading (port int NOT NULL, sent_ns bigint NOT NULL)"
_ROW = "INSERT INTO public.reading VALUES (%s, %s)"
_SETTINGS = "-c log_min_messages=panic"  # so many refused rows would fill the server's log


def keep_trying(port: int, password: str, log: TextIO) -> None:
    """Until the connection breaks, or cannot be made. Raises psycopg.Error when the table cannot be made."""
    sent_ns = time.monotonic_ns()
    try:
        connection = psycopg.connect(
            f"host=127.0.0.1 port={port} dbname=postgres user=postgres connect_timeout=2 "
            "tcp_user_timeout=2000",  # packets that nobody takes: it is a lost connection, not a slow one
            password=password,
            options=_SETTINGS,
            autocommit=True,
        )
    except psycopg.Error:
        _note(log, port, sent_ns, "unconnected")
        return
    with connection:
        while not connection.closed:
            sent_ns = time.monotonic_ns()
            try:
                connection.execute(_ROW, [port, sent_ns])
            except psycopg.errors.UndefinedTable:
                with suppress(psycopg.errors.ReadOnlySqlTransaction):
                    connection.execute(_TABLE)
            except psycopg.errors.ReadOnlySqlTransaction:
                _note(log, port, sent_ns, "read-only")
            except psycopg.Error:
                _note(log, port, sent_ns, "broken")
            else:
                _note(log, port, sent_ns, "row")
            time.sleep(PAUSE_SECONDS)


def _note(log: TextIO, port: int, sent_ns: int, outcome: str) -> None:
    log.write(f"{port} {sent_ns} {time.monotonic_ns()} {outcome}\n")


def main() -> None:
    port, password = int(sys.argv[1]), sys.stdin.read()
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with Path(sys.argv[2]).open("w", buffering=1) as log:
        while True:
            keep_trying(port, password, log)
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
