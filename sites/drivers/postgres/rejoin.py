"""Make a server that does not run the standby of the one that is the primary now.

First by pg_rewind, which is quick; failing that by a whole new copy. Where a rewind was cut off the folder is
worth nothing any more, which PostgreSQL itself would not notice: a mark beside it says so.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rto_rpo.durable import sync_folder, write_durably
from sites.drivers.masking import register_secret
from sites.drivers.postgres.configuration import Upstream, passfile_line
from sites.drivers.postgres.control import Control, log_position, read_control
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.kept import KeptConfiguration
from sites.drivers.postgres.session import Login
from sites.drivers.processes.spec import forget_pid
from sites.drivers.secret_file import secret_file
from sites.errors import DatasetError

_BEGINS = re.compile(r"^START WAL LOCATION: ([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_NOTHING_TO_REWIND = "no rewind required"
_SAME_TIMELINE = "are on the same timeline"

# pg_rewind compares numbers of timelines. Where a standby that never heard of a promotion was promoted as
# well, both servers wrote a timeline of that number, and it finds nothing to do.
TWO_HISTORIES = "it was a primary itself on a timeline of that number: two histories"


@dataclass(frozen=True, slots=True)
class Replicator:
    """As whom a standby gets its changes."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Who is to be followed through which slot, and from which position of the log on it has all changes."""

    login: Login
    slot: str
    oldest: int


@dataclass(frozen=True, slots=True)
class Rejoined:
    """How the data came to be in line: "nothing to rewind", "rewound" or "copied anew", and why the last."""

    how: str
    why: str = ""


class StandbyMaker(Protocol):
    """What makes one server a standby, wherever it is."""

    def control(self) -> Control: ...

    def half_made(self) -> bool:
        """Whether what is in its folder is worth nothing: making it a standby was cut off."""
        ...

    def prepare(self, source: Source, *, limit_seconds: float) -> Rejoined: ...


class Rejoining:
    """For one server, `name` to its upstream. It must not run meanwhile."""

    def __init__(self, name: str, folder: DataFolder, replicator: Replicator) -> None:
        register_secret(replicator.password)
        self.name = name
        self.folder = folder
        self._replicator = replicator
        self._mark = folder.beside("rejoining")
        self._kept = KeptConfiguration(folder)

    def control(self) -> Control:
        return read_control(self.folder)

    def half_made(self) -> bool:
        return self._mark.exists()

    def prepare(self, source: Source, *, limit_seconds: float) -> Rejoined:
        """The folder becomes that of a standby of `source`, ready to be started. Raises DatasetError.

        May be done again after a crash.
        """
        self._kept.keep()
        done = self._bring_in_line(source, limit_seconds)
        passfile = self.folder.beside("passfile")
        self.folder.write(passfile, passfile_line(self._replicator.password))
        at = source.login
        upstream = Upstream(at.host, at.port, self._replicator.user, source.slot, str(passfile))
        self._kept.put_back(self.name, upstream)
        sync_folder(self.folder.path)
        self._kept.forget()
        self._mark.unlink(missing_ok=True)
        return done

    def _bring_in_line(self, source: Source, limit_seconds: float) -> Rejoined:
        if self._mark.exists():
            why = "an earlier rejoining was cut off"
        else:
            write_durably(self._mark, b"what is in the folder beside is worth nothing until this is gone\n")
            try:
                done = self._rewind(source.login, limit_seconds)
            except DatasetError as error:
                why = _last_line(error)
            else:
                if self._begins_at() >= source.oldest:
                    return done
                why = "the primary does not have the changes any more that it lacks"
        self._copy(source, limit_seconds)
        return Rejoined("copied anew", why)

    def _begins_at(self) -> int:
        """From where on it needs changes: a rewind writes that down as a base backup does."""
        label = self.folder.path / "backup_label"
        began = _BEGINS.search(label.read_text()) if label.exists() else None
        return log_position(began.group(1)) if began else self.control().redo

    def _rewind(self, source: Login, limit_seconds: float) -> Rejoined:
        """pg_rewind first lets a killed server recover by itself; its pid file must name nobody then."""
        forget_pid(self.folder.path / "postmaster.pid")
        with self._passfile(source.password) as secret, self._no_standby():
            said = self.folder.run(
                "rewind",
                "pg_rewind",
                f"--target-pgdata={self.folder.path}",
                f"--source-server={conninfo(source, self.name)}",
                limit_seconds=limit_seconds,
                env={"PGPASSFILE": str(secret), "LC_ALL": "C"},
            )
        if _SAME_TIMELINE in said and self.control().was_a_primary_and_stopped_cleanly:
            raise DatasetError(TWO_HISTORIES)
        return Rejoined("nothing to rewind" if _NOTHING_TO_REWIND in said else "rewound")

    @contextmanager
    def _no_standby(self) -> Iterator[None]:
        """PostgreSQL recovers no standby by itself. What kept this one from taking writes is back at once."""
        signal = self.folder.path / "standby.signal"
        kept = signal.read_text() if signal.is_file() and not signal.is_symlink() else None
        signal.unlink(missing_ok=True)
        try:
            yield
        finally:
            if kept is not None:
                self.folder.write(signal, kept)

    def _copy(self, source: Source, limit_seconds: float) -> None:
        """Beside the old folder, which goes only when the new one is whole."""
        fresh, old = self.folder.at(self.folder.beside("new")), self.folder.beside("old")
        for left in (fresh.path, old):
            shutil.rmtree(left, ignore_errors=True)
        fresh.make()
        with self._passfile(self._replicator.password) as secret:
            fresh.run(
                "copy the primary",
                "pg_basebackup",
                f"--pgdata={fresh.path}",
                f"--host={source.login.host}",
                f"--port={source.login.port}",
                f"--username={self._replicator.user}",
                "--no-password",
                "--wal-method=stream",
                f"--slot={source.slot}",
                "--checkpoint=fast",
                limit_seconds=limit_seconds,
                env={"PGPASSFILE": str(secret)},
            )
        if self.folder.path.exists():
            self.folder.path.rename(old)
        fresh.path.rename(self.folder.path)
        sync_folder(self.folder.path.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _passfile(self, password: str) -> AbstractContextManager[Path]:
        return secret_file(passfile_line(password), uid=self.folder.uid, gid=self.folder.gid)


def conninfo(source: Login, name: str) -> str:
    """How pg_rewind reaches the server that it compares with; the password is not in it."""
    words = {
        "host": source.host,
        "port": str(source.port),
        "dbname": source.database,
        "user": source.user,
        "application_name": f"rejoining {name}",
        "connect_timeout": "5",
    }
    escaped = {word: value.replace("\\", "\\\\").replace("'", "\\'") for word, value in words.items()}
    return " ".join(f"{word}='{value}'" for word, value in escaped.items())


def _last_line(error: DatasetError) -> str:
    return str(error).strip().splitlines()[-1]
