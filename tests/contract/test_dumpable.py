"""What every dataset must do that is backed up through a dump, the fake included.

A new kind adds its arena to `ARENAS`: a dataset with a table or list "fills" at "primary" and "dr", which the
test can add to and read at each site.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from sites.drivers.sqlite.dataset import SqliteDataset
from sites.errors import DatasetError, SiteError
from sites.protection.staging import Dumpable
from sites.restore import Loadable
from sites.restored import Openable, QueryQuestion, answers
from tests.fakes.dumped import FakeDumped
from tests.sites.drivers.pairs import PASSWORD, Pair
from tests.sites.shell_store import ShellStore


class Dataset(Dumpable, Loadable, Openable, Protocol): ...


@dataclass(frozen=True, slots=True)
class Arena:
    dataset: Dataset
    folder: Path
    add: Callable[[str, str], object]
    read: Callable[[str], list[str]]

    @property
    def dump(self) -> Path:
        return self.folder / "dump"


def fake(request: pytest.FixtureRequest) -> Arena:
    dataset = FakeDumped("fills", {"primary": [], "dr": []})
    folder: Path = request.getfixturevalue("tmp_path")
    return Arena(dataset, folder, lambda site, row: dataset.rows[site].append(row), dataset.rows.__getitem__)


def sqlite(request: pytest.FixtureRequest) -> Arena:
    folder: Path = request.getfixturevalue("tmp_path")
    places = {site: folder / site / "fills.db" for site in ("primary", "dr")}
    for path in places.values():
        path.parent.mkdir()
        run(path, "CREATE TABLE fills (id TEXT)")

    def add(site: str, row: str) -> None:
        run(places[site], "INSERT INTO fills VALUES (?)", row)

    return Arena(
        SqliteDataset("fills", places), folder, add, lambda site: run(places[site], "SELECT id FROM fills")
    )


def run(path: Path, statement: str, *arguments: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return [row[0] for row in connection.execute(statement, arguments)]


def postgres(request: pytest.FixtureRequest) -> Arena:
    """Both servers take writes here: what is loaded at the one must come from the dump of the other."""
    new_pair: Callable[..., Pair] = request.getfixturevalue("new_pair")
    pair = new_pair(synchronous=False)
    pair.dataset.promote("dr", limit_seconds=20)

    def ask(site: str, statement: str, *arguments: str) -> list[str]:
        port = pair.servers[site].settings.port
        with psycopg.connect(
            host="127.0.0.1", port=port, dbname="desk", user="blackstart", password=PASSWORD, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    for site in ("primary", "dr"):
        ask(site, "CREATE TABLE fills (id text)")
    return Arena(
        pair.dataset,
        pair.folder,
        lambda site, row: ask(site, "INSERT INTO fills VALUES (%s)", row),
        lambda site: ask(site, "SELECT id FROM fills ORDER BY id"),
    )


def shell(request: pytest.FixtureRequest) -> Arena:
    folder: Path = request.getfixturevalue("tmp_path")
    store = ShellStore(folder)
    return Arena(store.dataset, folder, store.add, store.read)


ARENAS = {"fake": fake, "sqlite": sqlite, "shell": shell, "postgres": postgres}


@pytest.fixture(params=["fake", "sqlite", "shell", pytest.param("postgres", marks=pytest.mark.postgres)])
def arena(request: pytest.FixtureRequest) -> Arena:
    return ARENAS[request.param](request)


def test_what_was_dumped_is_asked_and_put_in_place_whole(arena: Arena) -> None:
    arena.add("primary", "one")
    arena.add("primary", "two")
    arena.add("dr", "stale")
    arena.dataset.dump("primary", arena.dump)
    arena.add("primary", "later")
    arena.dataset.check_dump(arena.dump)

    count = "SELECT count(*) FROM fills"
    asked = [
        QueryQuestion("right", count, "2"),
        QueryQuestion("wrong", count, "3"),
        QueryQuestion("absurd", "SELECT nothing FROM nowhere", "2"),
    ]
    found = answers(asked, arena.dataset, arena.dump, arena.folder / "scratch")
    assert [answer.verdict for answer in found] == ["met", "missed", "inconclusive"], found
    assert found[1].said == "answers '2', expected '3'"

    for _ in range(2):  # doing it again changes nothing
        arena.dataset.load("dr", arena.dump)
        assert arena.read("dr") == ["one", "two"]
    assert sorted(arena.read("primary")) == ["later", "one", "two"]
    with pytest.raises(SiteError, match="mars"):
        arena.dataset.dump("mars", arena.folder / "other")

    _damage(arena.dump)
    with pytest.raises(DatasetError, match=r"fills|orders"):
        arena.dataset.check_dump(arena.dump)


def _damage(dump: Path) -> None:
    """Cut the largest file in half."""
    files = [path for path in dump.rglob("*") if path.is_file()] if dump.is_dir() else [dump]
    largest = max(files, key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)
