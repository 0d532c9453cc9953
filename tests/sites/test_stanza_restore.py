"""A database recovered from a real pgBackRest repository: all that was archived, nothing that was lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sites.errors import DatasetError, RepositoryError
from sites.protection.stanza_backup import send_mark
from sites.restore import ChosenPoint
from sites.stanza_restore import StanzaSource
from tests.sites.stanzas import DATABASE, OWNER, THERE, Server

pytestmark = pytest.mark.postgres


def source_of(server: Server) -> StanzaSource:
    stanza = server.stanza(THERE)
    room = server.folder / "recovering"
    return StanzaSource("orders", stanza.name, stanza, "primary", room, DATABASE, OWNER, server.dataset)


def test_all_that_was_archived_is_back_and_what_came_later_is_not(stanza_server: Server) -> None:
    stanza_server.run("CREATE TABLE IF NOT EXISTS recovered (n int)")
    stanza_server.run("TRUNCATE recovered")
    stanza_server.run("INSERT INTO recovered SELECT generate_series(1, 100)")
    before = datetime.now(UTC)
    send_mark("orders", lambda: stanza_server.dataset.mark("primary"), stanza_server.stanza(THERE))
    stanza_server.run("INSERT INTO recovered VALUES (101)")  # in a segment that was not archived yet
    stanza_server.run("CREATE TABLE later (n int)")
    made = source_of(stanza_server).restore(60.0)
    assert stanza_server.run("SELECT count(*) FROM recovered") == "100"
    assert stanza_server.run("SELECT to_regclass('later') IS NULL") == "True"
    assert (made.dataset, made.complete, made.kept) == ("orders", True, None)
    assert before <= made.taken <= datetime.now(UTC)
    assert list((stanza_server.folder / "recovering").iterdir()) == []


def test_what_cannot_be_recovered_leaves_the_site_as_it_was(stanza_server: Server, tmp_path: Path) -> None:
    stanza_server.run("CREATE TABLE IF NOT EXISTS stays (n int)")
    source = source_of(stanza_server)
    with pytest.raises(RepositoryError, match="pgBackRest's, which has none"):
        replace(source, chosen=ChosenPoint("a" * 64, "clean")).restore(60.0)
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot restore"):
        replace(source, scratch=tmp_path / "file" / "below").restore(60.0)
    whole = stanza_server.harm(THERE)
    try:
        for path in (stanza_server.repository(THERE) / "backup").rglob("*.bundle/*"):
            path.unlink()
        for path in (stanza_server.repository(THERE) / "backup").rglob("pg_data/**/*"):
            if path.is_file():
                path.unlink()
        with pytest.raises((RepositoryError, DatasetError)):
            source.restore(60.0)
    finally:
        stanza_server.heal(THERE, whole)
    assert stanza_server.run("SELECT to_regclass('stays') IS NOT NULL") == "True"
