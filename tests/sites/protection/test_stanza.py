"""pgBackRest end to end on the real one: backups, the recovery point by the log, restore tests that prove."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sites.errors import NoRepository
from sites.protection import stanza_point
from sites.protection.exposure import Declared, Exposure
from sites.protection.history import Event, History
from sites.protection.policy import Alarm, Policy
from sites.protection.prediction import predicted
from sites.protection.stanza_backup import back_up_stanza, send_mark
from sites.protection.stanza_point import exposure, newest
from sites.protection.stanza_test import Restorable, restore_stanza_test
from sites.protection.tested import RestoreTestResult
from sites.restored import QueryQuestion
from tests.sites.drivers.waiting import wait_until
from tests.sites.stanzas import DATABASE, HERE, OWNER, THERE, Server

ORDERS = Restorable("orders", DATABASE, OWNER)
pytestmark = pytest.mark.postgres


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.jsonl")


@pytest.fixture
def scratch(stanza_server: Server) -> Path:
    return stanza_server.folder / "scratch"


def marked(server: Server, history: History | None = None) -> None:
    send_mark("orders", lambda: server.dataset.mark("primary"), server.stanza(THERE), history=history)


def exposed(server: Server, history: History | None = None, **options: object) -> Exposure:
    declared = Declared("orders", 60.0)
    arguments = {"history": history, "now": datetime.now(UTC), **options}
    return exposure(declared, server.stanza(THERE), **arguments)  # type: ignore[arg-type]


def proved(
    server: Server, scratch: Path, history: History | None = None, *asked: QueryQuestion
) -> RestoreTestResult:
    return restore_stanza_test(ORDERS, server.stanza(THERE), scratch, history=history, questions=asked)


@contextmanager
def harmed(server: Server, repo: int = THERE) -> Iterator[Path]:
    whole = server.harm(repo)
    try:
        yield server.repository(repo)
    finally:
        server.heal(repo, whole)


def test_what_was_committed_last_and_archived_is_the_recovery_point(
    stanza_server: Server, history: History
) -> None:
    before = datetime.now(UTC)
    stanza_server.run("CREATE TABLE IF NOT EXISTS fills (n int)")
    stanza_server.run("INSERT INTO fills VALUES (1)")
    marked(stanza_server, history)
    row = exposed(stanza_server, history)
    assert row.by == "wal"
    assert row.point is not None
    assert before <= row.point <= datetime.now(UTC)
    assert row.lsn is not None
    assert not row.exceeded
    # what is committed since and not archived yet is no part of it
    stanza_server.run("INSERT INTO fills VALUES (2)")
    later = exposed(stanza_server, history, now=datetime.now(UTC) + timedelta(seconds=61))
    assert (later.point, later.lsn) == (row.point, row.lsn)
    assert later.exceeded


def test_while_nothing_is_written_the_point_is_as_good_as_now(stanza_server: Server) -> None:
    marked(stanza_server)
    now = datetime.now(UTC) + timedelta(seconds=3600)

    def ask() -> int:
        return stanza_server.dataset.next_transaction("primary")

    assert exposed(stanza_server, now=now, next_transaction=ask).age_seconds == 0
    stanza_server.run("CREATE TABLE IF NOT EXISTS written_since (n int)")
    stanza_server.run("INSERT INTO written_since VALUES (1)")
    later = exposed(stanza_server, now=now, next_transaction=ask)
    assert later.age_seconds is not None
    assert later.age_seconds > 3590


def test_a_restore_test_replays_the_log_to_its_end_and_asks(
    stanza_server: Server, scratch: Path, history: History
) -> None:
    stanza_server.run("CREATE TABLE IF NOT EXISTS trades AS SELECT generate_series(1, 7) AS n")
    marked(stanza_server, history)
    point = newest(stanza_server.stanza(THERE), datetime.now(UTC)).point
    seven = QueryQuestion("seven-trades", "SELECT count(*) FROM trades", "7")
    result = proved(stanza_server, scratch, history, seven)
    assert result.verdict == "met", result.reason
    assert point is not None
    assert (result.taken, result.lsn) == (point.taken, point.lsn)
    assert "pages hold" in result.reason
    assert list(scratch.iterdir()) == []
    foretold = predicted(history, ["orders"])
    assert foretold.seconds == pytest.approx(result.seconds, abs=0.001)
    row = exposed(stanza_server, history)
    assert row.proven is not None
    assert row.proven_point == point.taken
    wrong = proved(
        stanza_server, scratch, history, QueryQuestion("trades", "SELECT count(*) FROM trades", "8")
    )
    assert wrong.verdict == "missed"
    assert "trades: answers '7', expected '8'" in wrong.reason


@pytest.mark.campaign
def test_an_answer_that_is_another_one_is_missed(stanza_server: Server, scratch: Path) -> None:
    stanza_server.run("CREATE TABLE IF NOT EXISTS trades AS SELECT generate_series(1, 7) AS n")
    marked(stanza_server)
    eight = QueryQuestion("trades", "SELECT count(*) FROM trades", "8")
    wrong = proved(stanza_server, scratch, None, eight)
    assert wrong.verdict == "missed"
    assert "trades: answers '7', expected '8'" in wrong.reason


@pytest.mark.campaign
def test_only_the_copy_at_the_other_site_counts(stanza_server: Server, scratch: Path) -> None:
    marked(stanza_server)
    gone = stanza_server.repository(HERE).rename(stanza_server.folder / "away")
    try:
        assert proved(stanza_server, scratch).verdict == "met"
    finally:
        gone.rename(stanza_server.repository(HERE))


@pytest.mark.campaign
def test_a_segment_that_is_missing_ends_the_log_and_is_told(
    stanza_server: Server, scratch: Path, history: History
) -> None:
    for number in range(2):
        stanza_server.run(f"CREATE TABLE IF NOT EXISTS gap_{number} (n int)")
        marked(stanza_server, history)
    with harmed(stanza_server):
        lost = stanza_server.wal(THERE)[-2]
        lost.unlink()
        row = exposed(stanza_server)
        assert any(lost.name[:24] in note and "missing" in note for note in row.notes), row.notes
        result = proved(stanza_server, scratch, history)
        assert result.verdict == "missed"
        assert lost.name[:24] in result.reason
        assert "does not go that far" in result.reason


@pytest.mark.campaign
def test_a_log_that_is_damaged_before_segments_without_a_commit_is_missed(
    stanza_server: Server, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the middle of a long load: no commit is near its end that would tell how far it has to come."""
    monkeypatch.setattr(stanza_point, "_LOOKED_AT_MAX", 1)
    marked(stanza_server)
    stanza = stanza_server.stanza(THERE)
    for _ in range(2):
        before = len(stanza_server.wal(THERE))
        stanza_server.run("SELECT pg_logical_emit_message(false, 'test', 'no transaction')")
        stanza_server.run("SELECT pg_switch_wal()")
        wait_until("the segment is archived", lambda before=before: len(stanza_server.wal(THERE)) > before)
    found = newest(stanza, datetime.now(UTC)).point
    assert found is not None
    assert found.commit is None
    assert proved(stanza_server, scratch).verdict == "met"
    with harmed(stanza_server):
        victim = stanza_server.wal(THERE)[-2]
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 0xFF
        victim.write_bytes(content)
        result = proved(stanza_server, scratch)
    assert (result.verdict, result.damaged) == ("missed", True), result.reason
    assert "the log was replayed up to" in result.reason


def test_a_damaged_base_backup_is_missed(stanza_server: Server, scratch: Path) -> None:
    with harmed(stanza_server) as repository:
        label = stanza_server.stanza(THERE).info().sets[-1].label
        files = (repository / "backup" / "desk" / label / "pg_data" / "base").rglob("*.*")
        victim = max((path for path in files if path.is_file()), key=lambda path: path.stat().st_size)
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 0xFF
        victim.write_bytes(content)
        result = proved(stanza_server, scratch)
        assert result.verdict == "missed", result.reason
        assert (
            exposed(stanza_server).point is not None
        )  # what nobody has restored cannot be known to be damaged


@pytest.mark.campaign
def test_a_backup_is_full_when_the_last_full_one_is_old(stanza_server: Server, history: History) -> None:
    stanza = stanza_server.stanza(THERE)
    made = back_up_stanza("orders", stanza, full_every=timedelta(days=7), history=history)
    assert (made.kind, made.partial) == ("incr", False)
    assert history.last_use("offsite-wal") is not None
    for _ in range(3):  # as if full ones had been a thousand times larger until now
        usual = {"kind": "full", "bytes": made.bytes * 1000, "added_bytes": 1}
        history.append(Event("backup", "offsite-wal", "done", "orders", usual))
        history.append(Event("backup", "onsite-wal", "done", "orders", {**usual, "bytes": made.bytes}))
    policy = Policy(alarm=Alarm(5.0, 3))
    again = back_up_stanza("orders", stanza, full_every=timedelta(0), history=history, policy=policy)
    assert again.kind == "full"
    assert again.odd
    kept = history.last("backup", repository="offsite-wal")
    assert kept is not None
    assert (kept.outcome, kept.detail["odd"]) == ("done", again.odd)
    assert again.label in {base.label for base in stanza.info().sets}


def test_a_repository_that_was_in_use_and_is_gone_is_not_made_anew(
    stanza_server: Server, history: History
) -> None:
    marked(stanza_server, history)
    gone = stanza_server.repository(THERE).rename(stanza_server.folder / "away")
    stanza_server.repository(THERE).mkdir()
    try:
        with pytest.raises(NoRepository, match="is gone: it was in use"):
            back_up_stanza("orders", stanza_server.stanza(THERE), full_every=timedelta(0), history=history)
        assert list(stanza_server.repository(THERE).iterdir()) == []
        row = exposed(stanza_server, history)
        assert row.exceeded
        assert any("is not there" in note for note in row.notes)
        result = proved(stanza_server, stanza_server.folder / "scratch", history)
        assert result.verdict != "met"
    finally:
        stanza_server.repository(THERE).rmdir()
        gone.rename(stanza_server.repository(THERE))


@pytest.mark.campaign
def test_it_is_restored_as_it_was_at_a_moment(stanza_server: Server, scratch: Path) -> None:
    stanza_server.run("CREATE TABLE IF NOT EXISTS moments (n int)")
    stanza_server.run("INSERT INTO moments VALUES (1)")
    between = datetime.fromisoformat(stanza_server.run("SELECT clock_timestamp()") or "").astimezone(UTC)
    stanza_server.run("INSERT INTO moments VALUES (2)")  # as when somebody deletes too much
    marked(stanza_server)
    stanza = stanza_server.stanza(THERE)

    def rows(count: str, until: datetime | None) -> RestoreTestResult:
        question = QueryQuestion("rows", "SELECT count(*) FROM moments", count)
        return restore_stanza_test(ORDERS, stanza, scratch, questions=[question], until=until)

    then = rows("1", between)
    assert then.verdict == "met", then.reason
    assert then.taken is not None
    assert then.taken <= between
    assert rows("2", None).verdict == "met"
    for moment in (between - timedelta(days=1), between + timedelta(days=1)):
        assert rows("1", moment).verdict == "missed"
