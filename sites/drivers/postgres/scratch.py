"""A server for a few minutes, in a folder of its own: a dump is loaded into it and asked questions."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from sites.drivers import command
from sites.drivers.postgres.asked import connected, first_value
from sites.drivers.postgres.configuration import ServerSettings, passfile_line
from sites.drivers.postgres.programs import PostgresPrograms, unprivileged_user
from sites.drivers.postgres.server import ADMIN, PostgresServer
from sites.drivers.processes.site import ProcessSite
from sites.drivers.secret_file import secret_file
from sites.errors import CommandError, DatasetError

_DATABASE = "restored"
# It is thrown away: what it would lose in a crash is nothing.
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB"}


@contextmanager
def loaded(
    programs: PostgresPrograms, dump: Path, scratch: Path, *, user: str, limit_seconds: float
) -> Iterator[Callable[[str], str | None]]:
    """Answers statements from a dump: the first value of the first row.

    They are asked as a role named `user`, so that names are looked up as in the dataset's own server. The
    server listens on the loopback, lets in nobody but us, and is lost with this process.
    Raises DatasetError when the dump cannot be loaded whole, MissingProgram.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="scratch-server-", dir=scratch))
    folder.chmod(0o755)  # the server's user has to get in; its data folder lets in nobody else
    settings = ServerSettings("scratch", _free_port(), others=_CARELESS)
    server = PostgresServer(settings, data=folder / "data", programs=programs, user=unprivileged_user())
    site = ProcessSite("scratch", folder, {"postgres": server.process()}, until_pid=os.getpid())
    password = secrets.token_urlsafe(24)
    try:
        server.create_primary(admin_password=password)
        site.up()
        with _as_admin(settings, password, "postgres") as admin:
            admin.execute(f"CREATE DATABASE {_DATABASE}")
        _load(server.programs, settings, password, dump, limit_seconds)
        with _as_admin(settings, password, _DATABASE) as connection:
            if user != ADMIN:
                connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER").format(sql.Identifier(user)))
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(user)))
            yield lambda statement: first_value(connection, statement)
    finally:
        site.down()
        shutil.rmtree(folder, ignore_errors=True)


def _load(
    programs: PostgresPrograms, settings: ServerSettings, password: str, dump: Path, limit_seconds: float
) -> None:
    where = ["--host", settings.host, "--port", str(settings.port), "--username", ADMIN]
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--no-password", f"--dbname={_DATABASE}"]
    with secret_file(passfile_line(password)) as passfile:
        try:
            command.run(
                [programs.path("pg_restore"), *where, *options, str(dump)],
                env={"PGPASSFILE": str(passfile)},
                limit_seconds=limit_seconds,
            )
        except CommandError as error:
            said = (error.stderr.strip() or str(error)).splitlines()[0]
            raise DatasetError(f"cannot load the dump {dump} into a fresh server: {said}") from error


def _as_admin(
    settings: ServerSettings, password: str, database: str
) -> AbstractContextManager[psycopg.Connection]:
    refused, host, port = "the scratch server cannot be reached", settings.host, settings.port
    return connected(refused, host=host, port=port, database=database, user=ADMIN, password=password)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
