"""Put a dump in the place of all that a database holds. Roles are in no dump: they stay the server's."""

from __future__ import annotations

import os
from pathlib import Path

from psycopg import sql

from sites.drivers import command
from sites.drivers.postgres.configuration import passfile_line
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.session import Login, Session
from sites.drivers.secret_file import secret_file

_SCHEMAS = """
    SELECT nspname FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
"""
# A dump takes it for granted.
_PUBLIC = ("CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC")
_JOBS_MAX = 4


async def empty(owner: Session) -> None:
    """Drop all that the database holds, whoever owns it; the database's owner may. Raises psycopg.Error."""
    for (name,) in await owner.rows(_SCHEMAS):
        await owner.rows(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    for statement in _PUBLIC:
        await owner.rows(statement)


def fill(programs: PostgresPrograms, login: Login, dump: Path, *, limit_seconds: float) -> None:
    """Load a dump into an empty database, all of it belonging to who we are. Raises CommandError."""
    jobs = min(_JOBS_MAX, os.cpu_count() or 1)
    where = ["--host", login.host, "--port", str(login.port), "--username", login.user]
    options = ["--no-owner", "--exit-on-error", "--no-password", f"--jobs={jobs}"]
    with secret_file(passfile_line(login.password)) as secret:
        command.run(
            [programs.path("pg_restore"), *where, *options, f"--dbname={login.database}", str(dump)],
            env={"PGPASSFILE": str(secret), "PGCONNECT_TIMEOUT": "10"},
            limit_seconds=limit_seconds,
        )
