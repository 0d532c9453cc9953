"""SQLite databases: copied while they are written to, put back whole, nothing left beside them."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sites.drivers.sqlite import snapshot as snapshots
from sites.drivers.sqlite.dataset import COUNTS, DATABASE, SqliteDataset
from sites.errors import DatasetError

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A database with a table of that many fills."""

    def made(site: str = "primary", rows: int = 3, mode: str = "wal", padding: int = 10) -> Path:
        path = tmp_path / site / "book.db"
        path.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"PRAGMA journal_mode={mode}")
            connection.execute("CREATE TABLE fills (number INTEGER PRIMARY KEY, padding TEXT)")
            connection.executemany(
                "INSERT INTO fills (padding) VALUES (?)", [("x" * padding,) for _ in range(rows)]
            )
        return path

    return made


@pytest.fixture
def book(tmp_path: Path) -> SqliteDataset:
    return SqliteDataset("book", {site: tmp_path / site / "book.db" for site in ("primary", "dr")})


@pytest.fixture
def writer() -> Iterator[Callable[[Path], None]]:
    """Adds pairs of rows to a database all the time, each pair in one transaction."""
    stop, threads = threading.Event(), []

    def write(path: Path) -> None:
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            while not stop.wait(0.0005):
                with connection:
                    connection.execute("INSERT INTO fills (padding) VALUES ('first')")
                    connection.execute("INSERT INTO fills (padding) VALUES ('second')")

    def start(path: Path) -> None:
        threads.append(threading.Thread(target=write, args=(path,)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def value(path: Path, statement: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(statement).fetchone()[0])


def counted(dump: Path) -> int:
    return int(json.loads((dump / COUNTS).read_text())["fills"])


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_copy_made_in_the_midst_of_writing_is_of_one_moment(
    make: Make, book: SqliteDataset, tmp_path: Path, writer: Callable[[Path], None], mode: str
) -> None:
    path = make(rows=20_000, mode=mode, padding=200)
    writer(path)
    for number in range(3):
        dump = tmp_path / f"dump-{number}"
        book.dump("primary", dump)
        book.check_dump(dump)
        pairs = "SELECT abs(sum(padding = 'first') - sum(padding = 'second')) FROM fills"
        assert value(dump / DATABASE, pairs) == 0
        assert value(dump / DATABASE, "SELECT count(*) FROM fills") == counted(dump) >= 20_000


def test_a_copy_that_always_begins_anew_is_made_in_one_go(
    make: Make, book: SqliteDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(rows=2_000, mode="delete", padding=2_000)
    asked: list[int] = []
    original = snapshots._copy

    def copy(source: sqlite3.Connection, target: sqlite3.Connection, pages: int, deadline: float) -> None:
        asked.append(pages)
        if pages > 0:
            raise snapshots._Restarted
        original(source, target, pages, deadline)

    monkeypatch.setattr(snapshots, "_copy", copy)
    book.dump("primary", tmp_path / "dump")
    assert asked == [2048, -1]
    assert counted(tmp_path / "dump") == value(path, "SELECT count(*) FROM fills") == 2_000


def test_nothing_is_left_beside_the_copy_and_nothing_of_ours_beside_the_source(
    make: Make, book: SqliteDataset, tmp_path: Path
) -> None:
    owner = 65534 if os.getuid() == 0 else os.getuid()
    os.chown(make(), owner, -1)
    book.dump("primary", tmp_path / "dump")
    book.check_dump(tmp_path / "dump")
    assert sorted(path.name for path in (tmp_path / "dump").iterdir()) == [COUNTS, DATABASE]
    assert {path.stat().st_uid for path in (tmp_path / "primary").iterdir()} == {owner}


def test_a_stranger_does_not_lock_the_writers_out(
    make: Make, book: SqliteDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make()
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(DatasetError, match="its log would belong to us"):
        book.dump("primary", tmp_path / "dump")
    assert [each.name for each in path.parent.iterdir()] == ["book.db"]
    with closing(sqlite3.connect(path)) as user:
        user.execute("SELECT count(*) FROM fills")
        book.dump("primary", tmp_path / "dump")


def test_what_is_committed_in_the_log_alone_is_in_the_copy(
    make: Make, book: SqliteDataset, tmp_path: Path
) -> None:
    path = make(rows=1)
    with closing(sqlite3.connect(path)) as connection:
        with connection:
            connection.execute("INSERT INTO fills (padding) VALUES ('new')")
        assert path.with_name("book.db-wal").stat().st_size > 0
        book.dump("primary", tmp_path / "dump")
    assert counted(tmp_path / "dump") == 2


def test_a_stale_log_never_meets_the_new_content(make: Make, book: SqliteDataset, tmp_path: Path) -> None:
    make(rows=3)
    book.dump("primary", tmp_path / "dump")
    there = make("dr", rows=50)
    log = there.with_name("book.db-wal")
    with closing(sqlite3.connect(there)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        with connection:
            connection.execute("DELETE FROM fills WHERE number > 10")
        stale = log.read_bytes()
    log.write_bytes(stale)  # as a killed program leaves it

    kept = book.load("dr", tmp_path / "dump")

    assert value(there, "SELECT count(*) FROM fills") == 3
    assert kept is not None
    assert kept.with_name(kept.name + "-wal").read_bytes() == stale


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_mode_and_owner_come_back(make: Make, book: SqliteDataset, tmp_path: Path) -> None:
    path = make()
    os.chown(path, 65534, 65534)
    path.chmod(0o640)
    book.dump("primary", tmp_path / "dump")
    book.load("dr", tmp_path / "dump")
    status = (tmp_path / "dr" / "book.db").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65534, 65534, 0o640)


def test_a_source_that_is_not_there_is_not_made(book: SqliteDataset, tmp_path: Path) -> None:
    (tmp_path / "primary").mkdir()
    with pytest.raises(DatasetError, match="no such file"):
        book.dump("primary", tmp_path / "dump")
    assert not (tmp_path / "primary" / "book.db").exists()


def test_what_is_no_database_is_told(book: SqliteDataset, tmp_path: Path) -> None:
    (tmp_path / "primary").mkdir()
    (tmp_path / "primary" / "book.db").write_bytes(b"hello" * 1000)
    with pytest.raises(DatasetError, match="not a database"):
        book.dump("primary", tmp_path / "dump")


def test_a_database_that_somebody_holds_shut_is_given_up(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_LOCK_SECONDS", 0.01)
    path = make(mode="delete")
    shut = SqliteDataset("book", {"primary": path}, limit_seconds=0.05)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatasetError, match=r"locked|not done within"):
            shut.dump("primary", tmp_path / "dump")


def test_flipped_pages_and_lost_rows_are_found(make: Make, book: SqliteDataset, tmp_path: Path) -> None:
    make(rows=500, padding=200)
    dump = tmp_path / "dump"
    book.dump("primary", dump)
    whole = (dump / DATABASE).read_bytes()
    with closing(sqlite3.connect(dump / DATABASE)) as connection, connection:
        connection.execute("DELETE FROM fills WHERE number = 7")
    with pytest.raises(DatasetError, match="rows are missing or too many: fills 499 of 500"):
        book.check_dump(dump)
    damaged = bytearray(whole)
    damaged[4096 * 5 : 4096 * 5 + 64] = b"\xff" * 64
    (dump / DATABASE).write_bytes(damaged)
    with pytest.raises(DatasetError, match=r"its copy is damaged|malformed"):
        book.check_dump(dump)
    (dump / DATABASE).write_bytes(whole)
    book.check_dump(dump)


def test_a_damaged_dump_is_not_put_in_place(make: Make, book: SqliteDataset, tmp_path: Path) -> None:
    make(rows=500, padding=200)
    there = make("dr", rows=1)
    book.dump("primary", tmp_path / "dump")
    os.truncate(tmp_path / "dump" / DATABASE, 8192)
    with pytest.raises(DatasetError):
        book.load("dr", tmp_path / "dump")
    assert value(there, "SELECT count(*) FROM fills") == 1
