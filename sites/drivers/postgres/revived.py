"""A restored data folder brought up apart from everything, for some minutes: its log replayed, then asked.

It reaches nobody and nobody reaches it: no address, a socket in a closed folder, no archiving, no upstream,
no subscription, and none of the libraries that the original loads and that may act by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import conninfo, pq

from sites.drivers.postgres import dump as postgres_dump
from sites.drivers.postgres.asked import connected, first_value
from sites.drivers.postgres.control import control_settings
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.session import Login
from sites.drivers.processes.site import ProcessSite
from sites.drivers.processes.spec import ProcessSpec
from sites.errors import CommandError, DatasetError, SiteError

_PORT = 5432
_ADMIN = "postgres"
_CHECK_SECONDS = 24 * 3600.0
_WAITING = "the database system is"  # what it tells those who come too early
_REPLAYED = "SELECT pg_last_xact_replay_timestamp(), pg_last_wal_replay_lsn()::text, pg_is_in_recovery()"


@dataclass(frozen=True, slots=True)
class Revived:
    """`ask` answers statements by the first value of the first row. `committed` is when the newest
    transaction that was replayed had been committed (UTC), None when there was none to replay. `login` is how
    a program on this machine gets in."""

    ask: Callable[[str], str | None]
    committed: datetime | None
    lsn: str
    login: Login
    programs: PostgresPrograms

    def dump(self, to: Path, limit_seconds: float) -> None:
        """All of the database, to a file. Raises DatasetError."""
        try:
            postgres_dump.dump(self.programs, self.login, to, limit_seconds=limit_seconds)
        except CommandError as error:
            said = (error.stderr.strip() or str(error)).splitlines()[0]
            raise DatasetError(f'cannot dump database "{self.login.database}" as restored: {said}') from error


@contextmanager
def revived(
    folder: DataFolder,
    *,
    database: str,
    user: str,
    restore_command: str,
    env: Mapping[str, str],
    secret_env: Mapping[str, str],
    limit_seconds: float,
) -> Iterator[Revived]:
    """Start the server, wait until all of its log is replayed, and stop it in good order afterwards.

    Statements are asked of `database` as `user`, who must be in what was restored. Raises DatasetError.
    """
    # a socket's path must be short
    with (
        _short_folder(folder) as sockets,
        _running(folder, sockets, restore_command, env, secret_env, limit_seconds),
    ):
        with _let_in(sockets, _ADMIN, _ADMIN) as admin:
            row = admin.execute(_REPLAYED).fetchone()
        if row is None or row[2]:
            raise DatasetError("the restored server has not finished its recovery")
        committed = row[0].astimezone(UTC) if row[0] is not None else None
        with _let_in(sockets, database, user) as connection:
            login = Login(str(sockets), _PORT, database, user, "")
            ask = partial(first_value, connection)
            yield Revived(ask, committed, str(row[1]), login, folder.programs)


def damaged_pages(folder: DataFolder) -> str | None:
    """Check every page of a server that was stopped in good order, by its own checksums.

    What was found, in words; None where the server keeps no checksums. Raises DatasetError for damage.
    """
    if control_settings(folder).get("Data page checksum version", "0") == "0":
        return None
    said = folder.run(
        "check the pages", "pg_checksums", "--check", f"--pgdata={folder.path}", limit_seconds=_CHECK_SECONDS
    )
    blocks = next((line for line in said.splitlines() if line.startswith("Blocks scanned")), "")
    return f"the checksums of {blocks.rpartition(':')[2].strip() or 'all'} pages hold"


@dataclass(frozen=True, slots=True)
class _Open:
    """Implements Readiness: it lets clients in, which it does not before its recovery is over."""

    sockets: Path

    def reason_not(self) -> str | None:
        where = conninfo.make_conninfo(host=str(self.sockets), port=_PORT, connect_timeout=2)
        answer = pq.PGconn.ping(where.encode())
        return None if answer == pq.Ping.OK else f"it is not open yet: {pq.Ping(answer).name.lower()}"


@contextmanager
def _running(
    folder: DataFolder,
    sockets: Path,
    restore_command: str,
    env: Mapping[str, str],
    secret_env: Mapping[str, str],
    limit_seconds: float,
) -> Iterator[None]:
    files = {"config_file": sockets / "postgresql.conf", "hba_file": sockets / "pg_hba.conf"}
    folder.write(files["config_file"], "")
    folder.write(files["hba_file"], "local all all trust\n")
    settings = {
        **_apart(sockets),
        **_as_large(folder),
        **{name: str(path) for name, path in files.items()},
        "restore_command": restore_command,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    spec = ProcessSpec(
        command=(folder.programs.path("postgres"), "-D", str(folder.path), *options),
        user=folder.user,
        cwd=folder.path,
        env=env,
        secret_env=secret_env,
        ready=_Open(sockets),
        ready_seconds=limit_seconds,
        stop_signal=signal.SIGINT,
        stop_seconds=60.0,
    )
    site = ProcessSite("restored", sockets / "site", {"postgres": spec}, until_pid=os.getpid())
    try:
        try:
            site.up()
        except SiteError as error:
            raise DatasetError(f"the restored server does not come up: {_why(site) or error}") from error
        yield
    finally:
        site.down()


def _apart(sockets: Path) -> dict[str, str]:
    """On the command line, where nothing that was restored can say otherwise."""
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "port": str(_PORT),
        "cluster_name": "restored",
        "archive_mode": "off",
        "archive_command": "",
        "archive_cleanup_command": "",
        "recovery_end_command": "",
        "primary_conninfo": "",
        "primary_slot_name": "",
        "synchronous_standby_names": "",
        "max_logical_replication_workers": "0",
        "shared_preload_libraries": "",
        "session_preload_libraries": "",
        "local_preload_libraries": "",
        "external_pid_file": "",
        "logging_collector": "off",
        "log_destination": "stderr",
        "ssl": "off",
        "hot_standby": "off",
        "autovacuum": "off",
        "fsync": "off",
        "dynamic_shared_memory_type": "mmap",
        "ident_file": os.devnull,
    }


def _as_large(folder: DataFolder) -> dict[str, str]:
    """Recovery needs room for as much as the original had."""
    settings = control_settings(folder)
    names = (
        "max_connections",
        "max_worker_processes",
        "max_wal_senders",
        "max_prepared_xacts",
        "max_locks_per_xact",
    )
    said = {
        "max_prepared_xacts": "max_prepared_transactions",
        "max_locks_per_xact": "max_locks_per_transaction",
    }
    found = {said.get(name, name): settings.get(f"{name} setting") for name in names}
    return {name: value for name, value in found.items() if value is not None}


@contextmanager
def _short_folder(folder: DataFolder) -> Iterator[Path]:
    made = Path(mkdtemp(prefix="blackstart-"))
    try:
        os.chown(made, folder.uid, folder.gid)
        made.chmod(0o700)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _let_in(sockets: Path, database: str, user: str) -> AbstractContextManager[psycopg.Connection]:
    refused = f'the restored server does not let "{user}" into "{database}"'
    return connected(refused, host=str(sockets), port=_PORT, database=database, user=user)


def _why(site: ProcessSite) -> str | None:
    """The last thing of weight that the server said."""
    said = site.log("postgres").splitlines()
    lines = [line for line in said if ("FATAL" in line or "PANIC" in line) and _WAITING not in line]
    return lines[-1].partition("FATAL:")[2].strip() or lines[-1] if lines else None
