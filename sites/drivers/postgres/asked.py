"""One connection to a server of our own, to ask it a few things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from sites.errors import DatasetError

_CONNECT_SECONDS = 10


@contextmanager
def connected(
    refused: str, *, host: str, port: int, database: str, user: str, password: str | None = None
) -> Iterator[psycopg.Connection]:
    """Closed in the end. Raises DatasetError, which begins with `refused`, when it cannot be had."""
    try:
        made = psycopg.connect(
            host=host,
            port=port,
            dbname=database,
            user=user,
            password=password,
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS,
        )
    except psycopg.Error as error:
        raise DatasetError(f"{refused}: {' '.join(str(error).split())}") from error
    with made:
        yield made


def first_value(connection: psycopg.Connection, statement: str) -> str | None:
    """Of the first row; None where there is none, or null."""
    row = connection.execute(statement.encode()).fetchone()
    return None if row is None or row[0] is None else str(row[0])
