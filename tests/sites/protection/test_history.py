from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sites.errors import SiteError
from sites.protection.history import Event, History


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    history = History(tmp_path / "new" / "history.jsonl")
    events = [
        Event("backup", "onsite", "done", "ticks", {"files": 3}),
        Event("replication", "offsite", "failed", None, {"error": "no\nspace"}),
    ]
    for event in events:
        history.append(event)
    assert history.events() == events


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    assert history.events() == []
    assert history.last("backup") is None


def test_the_newest_that_fits_is_found(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for outcome, dataset in [("met", "a"), ("missed", "a"), ("met", "b")]:
        history.append(Event("restore_test", "offsite", outcome, dataset))
    last = history.last("restore_test", dataset="a")
    met = history.last("restore_test", dataset="a", outcomes=("met",))
    assert last is not None
    assert met is not None
    assert (last.outcome, met.outcome) == ("missed", "met")
    assert history.last("restore_test", repository="elsewhere") is None


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.append(Event("backup", "onsite", "done", "a"))
    history.append(Event("backup", "onsite", "done", "b"))
    history.path.write_bytes(history.path.read_bytes()[:-9])
    history.append(Event("backup", "onsite", "done", "c"))
    assert [event.dataset for event in history.events()] == ["a", "c"]


def append_many(path: Path, dataset: str) -> None:
    for _ in range(50):
        History(path).append(Event("backup", "onsite", "done", dataset, {"pad": "x" * 5000}))


def test_writers_side_by_side_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(event.dataset or "" for event in History(path).events()) == ["a"] * 50 + ["b"] * 50


def test_the_last_use_is_the_last_time_something_was_put_in(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    history.append(Event("backup", "onsite", "partial", "a", utc=early))
    history.append(Event("backup", "onsite", "failed", "a", utc=late))
    history.append(Event("restore_test", "onsite", "met", "a", utc=late))
    assert history.last_use("onsite") == early
    assert history.last_use("offsite") is None


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SiteError, match="cannot write the history"):
        History(tmp_path / "file" / "history.jsonl").append(Event("backup", "onsite", "done"))
