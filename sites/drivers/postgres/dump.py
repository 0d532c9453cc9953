"""Dump a database to a file, and read a dump to its end."""

from __future__ import annotations

import os
from pathlib import Path

from rto_rpo.durable import sync_folder
from sites.drivers import command
from sites.drivers.postgres.configuration import passfile_line
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.session import Login
from sites.drivers.secret_file import secret_file


def dump(programs: PostgresPrograms, login: Login, to: Path, *, limit_seconds: float) -> None:
    """Write a dump in PostgreSQL's own compressed format; `to` appears only when it is whole and on disk.

    Raises MissingProgram, CommandError.
    """
    partial = to.with_name(to.name + ".partial")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    where = ["--host", login.host, "--port", str(login.port), "--username", login.user]
    with secret_file(passfile_line(login.password)) as secret:
        command.run(
            [
                programs.path("pg_dump"),
                "--format=custom",
                "--no-password",
                f"--file={partial}",
                *where,
                login.database,
            ],
            env={"PGPASSFILE": str(secret), "PGCONNECT_TIMEOUT": "10"},
            limit_seconds=limit_seconds,
        )
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(to)
    sync_folder(to.parent)


def check_dump(programs: PostgresPrograms, path: Path, *, limit_seconds: float) -> None:
    """Turn the whole dump into SQL that goes nowhere. Raises CommandError for one that is damaged or cut."""
    command.run([programs.path("pg_restore"), "--file=/dev/null", str(path)], limit_seconds=limit_seconds)
