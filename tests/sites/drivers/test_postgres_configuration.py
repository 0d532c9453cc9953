"""The texts that make a server what it is."""

from __future__ import annotations

import pytest

from sites.drivers.postgres.configuration import (
    ServerSettings,
    Upstream,
    access_file,
    passfile_line,
    quoted,
    server_file,
    upstream_file,
)


def test_a_standby_waits_for_nobody_unless_told_to() -> None:
    primary = ServerSettings("primary", 5432, synchronous_standbys="FIRST 1 (dr)")
    standby = ServerSettings("dr", 5433)

    assert "synchronous_standby_names = 'FIRST 1 (dr)'\n" in server_file(primary)
    assert "synchronous_standby_names = ''\n" in server_file(standby)


@pytest.mark.parametrize(
    "line",
    [
        "listen_addresses = '127.0.0.1'",
        "unix_socket_directories = ''",
        "fsync = 'on'",
        "wal_retrieve_retry_interval = '50ms'",
        "max_slot_wal_keep_size = '1GB'",
        "wal_keep_size = '256MB'",
    ],
)
def test_every_server_has_what_the_traps_ask_for(line: str) -> None:
    assert line in server_file(ServerSettings("primary", 5432)).splitlines()


def test_what_the_caller_adds_wins() -> None:
    text = server_file(ServerSettings("primary", 5432, others={"wal_keep_size": "1GB", "work_mem": "8MB"}))

    assert "wal_keep_size = '1GB'\n" in text
    assert "wal_keep_size = '256MB'\n" not in text
    assert text.endswith("work_mem = '8MB'\n")


def test_values_are_quoted() -> None:
    assert quoted("it's \\ it\nis") == "'it''s \\\\ it\\nis'"


def test_a_standby_knows_its_primary_and_not_the_password() -> None:
    text = upstream_file("dr", Upstream("127.0.0.1", 5432, "replicator", "dr", "/a/it's"))

    assert "application_name=''dr''" in text
    assert r"passfile=''/a/it\\''s''" in text
    assert "primary_slot_name = 'dr'\n" in text
    assert "password" not in text


def test_everybody_needs_a_password_and_the_replicator_only_replicates() -> None:
    rows = [line.split() for line in access_file("replicator").splitlines()]

    assert {row[-1] for row in rows} == {"scram-sha-256"}
    assert {row[2] for row in rows if row[1] == "replication"} == {"replicator"}
    assert {row[3] for row in rows} == {"127.0.0.1/32", "::1/128"}


def test_a_password_may_hold_anything() -> None:
    assert passfile_line("a:b\\c") == "*:*:*:*:a\\:b\\\\c\n"
    assert passfile_line("x", host="h", port="1", database="d", user="u") == "h:1:d:u:x\n"
