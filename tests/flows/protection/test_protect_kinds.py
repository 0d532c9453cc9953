"""Every kind of dataset from the plan to backup, replication, restore test and its other place."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests
from sites.errors import PlanError
from sites.estate import Estate
from tests.flows.plans import small_plan


def declare(root: Path, repository: Path, **datasets: dict[str, Any]) -> Estate:
    """The small plan with these datasets in place of its own. JSON is YAML."""
    path = small_plan(root, repository)
    head = path.read_text().split("datasets:\n")[0]
    path.write_text(head + "datasets: " + json.dumps(datasets) + "\n")
    return estate_of(path)


def book(root: Path, **more: Any) -> dict[str, Any]:
    return {
        "kind": "sqlite",
        "site": "here",
        "path": str(root / "here" / "book.db"),
        "restore": {"site": "there", "path": str(root / "there" / "books" / "book.db")},
        "backup": {"to": "near", "every": "1h"},
        "rpo": "2h",
        **more,
    }


def make_book(root: Path, rows: int) -> None:
    with closing(sqlite3.connect(root / "here" / "book.db")) as connection, connection:
        connection.execute("CREATE TABLE fills (id INTEGER)")
        connection.executemany("INSERT INTO fills VALUES (?)", [(number,) for number in range(rows)])


def command(name: str, code: str) -> dict[str, Any]:
    return {"kind": "command", "name": name, "command": [sys.executable, "-c", code]}


def test_a_sqlite_database_is_protected_proven_and_put_in_place(tmp_path: Path, repository: Path) -> None:
    counts = {"kind": "query", "name": "count", "sql": "SELECT count(*) FROM fills", "expect": "7"}
    looks = command("looks", "import os, pathlib; print(*os.listdir(os.environ['BLACKSTART_RESTORED']))")
    estate = declare(tmp_path, repository, book=book(tmp_path, checks=[counts, looks]))
    make_book(tmp_path, 7)
    rows = [outcomes.backed_up(one) for one in back_up(estate)]
    rows += [outcomes.replicated(one) for one in replicate_all(estate)]
    (tested,) = restore_tests(estate)
    assert (outcomes.exit_code(rows), outcomes.tested(tested).state) == (0, "met"), (rows, tested)
    assert tested.result is not None
    assert [(one.name, one.verdict) for one in tested.result.answers] == [("count", "met"), ("looks", "met")]
    assert "database.sqlite" in tested.result.answers[1].said
    (row,) = exposed(estate)
    assert (row.by, row.exceeded, row.proven is not None) == ("backup", False, True)

    restored = estate.restore_source("book").restore(60)
    assert (restored.complete, restored.kept) == (True, None)
    place = tmp_path / "there" / "books" / "book.db"
    assert [path.name for path in place.parent.iterdir()] == ["book.db"]
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("SELECT count(*) FROM fills").fetchone() == (7,)


def test_a_check_that_says_no_is_missed_whatever_the_manifest_says(tmp_path: Path, repository: Path) -> None:
    checks = [command("gaps", "import sys; sys.exit('a gap')"), command("unsure", "import sys; sys.exit(75)")]
    estate = declare(tmp_path, repository, book=book(tmp_path, checks=checks))
    make_book(tmp_path, 7)
    assert not [one.error for one in (*back_up(estate), *replicate_all(estate)) if one.error]
    (tested,) = restore_tests(estate)
    row = outcomes.tested(tested)
    assert (row.state, row.exit_code) == ("missed", 1)
    assert "gaps: a gap" in row.what
    (exposure,) = exposed(estate)
    assert exposure.proven is None


def test_checks_that_make_no_sense_are_refused(tmp_path: Path, repository: Path) -> None:
    query = {"kind": "query", "name": "q", "sql": "SELECT 1", "expect": "1"}
    files = {"kind": "files", "site": "here", "path": str(tmp_path / "f"), "checks": [query]}
    with pytest.raises(PlanError) as refused:
        declare(tmp_path, repository, book=book(tmp_path, checks=[query, query]), files=files)
    assert [line.split(": ", 1)[1] for line in str(refused.value).splitlines()] == [
        'datasets.book.checks[1].name: two checks are named "q"',
        "datasets.files.checks: without a backup nothing is restored that could be asked",
        "datasets.files.checks[0]: files answer no queries; use kind command",
    ]
