"""A dataset that is one SQLite database. Dumped by SQLite's online backup; put back whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import sync_folder
from sites.drivers.sqlite.snapshot import Overrun, integrity, reading, row_counts, snapshot, standing_still
from sites.errors import DatasetError, SiteError

DATABASE = "database.sqlite"
COUNTS = "counts.json"
COPY_SECONDS = 3600.0
# What SQLite keeps beside a database. Beside another content of it, they would be read as part of that.
BESIDE = ("-wal", "-shm", "-journal")


class SqliteDataset:
    """`places` says for each site which file it is; the first is the one in use in normal times."""

    def __init__(self, name: str, places: Mapping[str, Path], *, limit_seconds: float = COPY_SECONDS) -> None:
        self.name = name
        self._places = dict(places)
        self._limit_seconds = limit_seconds

    def dump(self, site: str, to: Path) -> None:
        """A folder `to` with the database as of one moment, and how many rows each table had.

        Raises DatasetError.
        """
        path = self._place(site)
        try:
            self._refuse_stranger(path)
            to.mkdir(mode=0o700)
            with reading(path) as source:
                counts = snapshot(source, to / DATABASE, limit_seconds=self._limit_seconds)
            _as_its_source(path, to / DATABASE)
            (to / COUNTS).write_text(json.dumps(counts, sort_keys=True) + "\n")
            for name in (DATABASE, COUNTS):
                _sync(to / name)
        except Overrun:
            raise self._error("copy", path, f"not done within {self._limit_seconds:g} s") from None
        except sqlite3.Error as error:
            raise self._error("copy", path, _said(error, path)) from error
        except OSError as error:
            raise self._error("copy", path, (error.strerror or str(error)).lower()) from error

    def check_dump(self, path: Path) -> None:
        """Ask SQLite whether the copy is sound, and count its rows. Raises DatasetError."""
        try:
            counted = json.loads((path / COUNTS).read_text())
            with standing_still(path / DATABASE) as copy:
                verdict, found = integrity(copy), row_counts(copy)
        except (OSError, ValueError, sqlite3.Error) as error:
            raise self._error("read the copy of", path, str(error)) from error
        if verdict != "ok":
            raise self._error("restore", path, f"its copy is damaged: {verdict}")
        if found != counted:
            differing = sorted(
                table for table in found.keys() | counted if found.get(table) != counted.get(table)
            )
            said = ", ".join(f"{each} {found.get(each)} of {counted.get(each)}" for each in differing[:3])
            raise self._error("restore", path, f"rows are missing or too many: {said}")

    def load(self, site: str, dump: Path) -> Path | None:
        """Put a dump in its place there; what was there is kept as `NAME.before-TIME`, and returned.

        Nothing may have it open. Raises DatasetError; then the place is as it was.
        """
        self.check_dump(dump)
        to = self._place(site)
        arriving = to.with_name(f".{to.name}.arriving")
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dump / DATABASE, arriving)
            _as_its_source(dump / DATABASE, arriving)
            _sync(arriving)
            kept = _set_aside(to)
            arriving.rename(to)
            sync_folder(to.parent)
        except OSError as error:
            arriving.unlink(missing_ok=True)
            raise self._error("put back", to, error.strerror or str(error)) from error
        return kept

    @contextmanager
    def opened(self, dump: Path, scratch: Path) -> Iterator[Callable[[str], str | None]]:
        """Answers statements from a dump: the first value of the first row. The dump stays as it is."""
        del scratch
        try:
            with standing_still(dump / DATABASE) as copy:

                def ask(statement: str) -> str | None:
                    row = copy.execute(statement).fetchone()
                    return None if row is None or row[0] is None else str(row[0])

                yield ask
        except sqlite3.Error as error:
            raise self._error("ask", dump, str(error)) from error

    def _refuse_stranger(self, path: Path) -> None:
        """Who reads first makes the log that writers need: as another user, we would lock them out."""
        with path.open("rb") as file:
            has_log = file.read(20)[18:19] == b"\x02"
            owner = os.fstat(file.fileno()).st_uid
        if has_log and os.geteuid() not in (0, owner) and not path.with_name(path.name + "-shm").exists():
            raise DatasetError(
                f'cannot copy dataset "{self.name}" at {path}: its log would belong to us, and lock out its '
                "writers",
                hint="run as root or as the owner of the database, or while it is in use",
            )

    def _place(self, site: str) -> Path:
        if site not in self._places:
            has = ", ".join(self._places)
            raise SiteError(f'dataset "{self.name}" has no place at site "{site}"; it has: {has}')
        return self._places[site]

    def _error(self, act: str, path: Path, reason: str) -> DatasetError:
        return DatasetError(f'cannot {act} dataset "{self.name}" at {path}: {reason}')


def _said(error: sqlite3.Error, path: Path) -> str:
    if path.with_name(path.name + "-journal").exists() and "readonly" in str(error):
        return f"{error}; a crash left it half written, and its next user puts it right"
    return str(error)


def _as_its_source(source: Path, copy: Path) -> None:
    """Mode and owner go along: whoever used the one is to use the other."""
    status = source.stat()
    copy.chmod(status.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(copy, status.st_uid, status.st_gid)


def _set_aside(path: Path) -> Path | None:
    """The database and what belongs to it, under another name: none of it may meet the new content."""
    mark = f".before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    # what lies beside goes first: alone it harms nobody, but beside a content that is not its own
    for suffix in BESIDE:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(path.with_name(path.name + mark + suffix))
    if not path.exists():
        return None
    kept = path.with_name(path.name + mark)
    path.rename(kept)
    return kept


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
