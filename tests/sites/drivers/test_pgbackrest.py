"""pgBackRest's driver on the real one: what it says, and each failure under its name."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.account import give
from sites.drivers.pgbackrest.results import read_info
from sites.drivers.pgbackrest.stanza import Stanza, Target
from sites.drivers.pgbackrest.version import parse
from sites.drivers.pgbackrest.wal import Segment, unbroken
from sites.errors import (
    BlackstartError,
    CommandTimeout,
    MissingProgram,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)
from tests.sites.repositories import wait_until
from tests.sites.stanzas import THERE, USER, Server

real = pytest.mark.postgres
MB = 1 << 20


@pytest.mark.parametrize(
    ("said", "version"), [("pgBackRest 2.45", (2, 45, 0)), ("pgBackRest 2.57.1\n", (2, 57, 1))]
)
def test_the_version_is_read(said: str, version: tuple[int, int, int]) -> None:
    assert parse(said) == version


@pytest.mark.parametrize("said", ["pgBackRest 2.44", "restic 0.14", ""])
def test_an_older_or_another_program_is_refused(said: str) -> None:
    with pytest.raises(MissingProgram):
        parse(said)


def test_one_that_is_not_installed_says_how_to_get_it() -> None:
    with pytest.raises(MissingProgram) as missing:
        Stanza("far", "desk", binary="no-such-pgbackrest").info()
    assert missing.value.hint == "on Debian: apt-get install pgbackrest"


def test_segments_follow_one_another_over_the_numbers_carry() -> None:
    first = Segment.read("0000000100000000000000FE", 16 * MB)
    names = ["0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000"]
    assert [segment.name for segment in unbroken(first, names)] == names
    assert first.end == "0/FF000000"
    assert [s.name for s in unbroken(first, [names[0], names[2]])] == names[:1]


def test_after_a_promotion_the_log_goes_on_with_the_higher_timeline_and_never_back() -> None:
    first = Segment.read("000000010000000000000003", 16 * MB)
    names = ["000000010000000000000003", "000000010000000000000004", "000000020000000000000004"]
    names += ["000000010000000000000005", "000000020000000000000005", "000000010000000000000006"]
    found = [segment.name for segment in unbroken(first, names)]
    assert found == ["000000010000000000000003", "000000020000000000000004", "000000020000000000000005"]


@pytest.mark.parametrize("said", ["", "[]", '[{"name":"desk"}]', "{}", "null", '[{"name":"desk","repo":[]}]'])
def test_what_cannot_be_understood_is_no_empty_repository(said: str) -> None:
    with pytest.raises(RepositoryError, match="cannot be understood"):
        read_info(said, "far", "desk")


def test_pages_with_wrong_checksums_at_the_source_are_told() -> None:
    """Written after pgBackRest's documentation: the damage cannot be had without harming the server."""
    one = {
        "label": "20261126-175744F",
        "type": "full",
        "archive": {"start": "000000010000000000000009", "stop": "00000001000000000000000A"},
        "database": {"id": 1, "repo-key": 2},
        "timestamp": {"start": 1795715864, "stop": 1795715866},
        "info": {"size": 1, "delta": 1},
        "error": True,
    }
    said = {
        "name": "desk",
        "repo": [{"status": {"code": 0, "message": "ok"}}],
        "status": {"lock": {"backup": {"held": False}}},
        "archive": [{"database": {"id": 1}, "id": "15-1", "max": "00000001000000000000000A"}],
        "db": [{"id": 1, "version": "15"}],
        "backup": [one],
    }
    assert read_info(json.dumps([said]), "far", "desk").sets[0].damaged


@real
def test_what_is_there_is_told(stanza_server: Server) -> None:
    info = stanza_server.stanza(THERE).info()
    assert info.sets[0].full
    assert not info.sets[0].damaged
    assert info.archive in info.newest_wal
    assert "status: ok" in stanza_server.stanza(THERE).verify()


@real
def test_a_backup_is_restored_to_a_position_and_archives_nothing(stanza_server: Server) -> None:
    stanza = stanza_server.stanza(THERE)
    data = stanza_server.folder / "restored"
    data.mkdir(mode=0o700)
    give(data, USER)
    label = stanza.info().sets[0].label
    stanza.restore(label, data, tablespaces=data / "spaces", target=Target("lsn", "0/FFFFFF0"))
    settings = (data / "postgresql.auto.conf").read_text()
    assert "recovery_target_lsn = '0/FFFFFF0'" in settings
    assert "archive_mode = 'off'" in settings
    assert "--repo=2" in settings
    with pytest.raises(RepositoryError, match="something lies already where it would be restored"):
        stanza.restore(label, data, tablespaces=data / "spaces")


def _changed(
    server: Server, change: Callable[[Path], None], act: Callable[[Stanza], object]
) -> BlackstartError:
    """What `act` raises once the repository at the other site was changed."""
    whole = server.harm(THERE)
    try:
        change(server.repository(THERE))
        with pytest.raises(BlackstartError) as raised:
            act(server.stanza(THERE))
    finally:
        subprocess.run(["/bin/chmod", "-R", "u+rwX", str(server.repository(THERE))], check=True)
        server.heal(THERE, whole)
    return raised.value


def _overwritten(name: str) -> Callable[[Path], None]:
    def change(repository: Path) -> None:
        for path in repository.rglob(name):
            path.write_bytes(b"no such thing" * 10)

    return change


def _emptied(repository: Path) -> None:
    subprocess.run(["/usr/bin/find", str(repository), "-mindepth", "1", "-delete"], check=True)


def _closed(repository: Path) -> None:
    repository.chmod(0)
    os.chown(repository, 0, 0)


@real
@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (_emptied, NoRepository, "is not there"),
        (_overwritten("backup.info*"), RepositoryDamaged, "damaged"),
        (_closed, RepositoryError, "may not be read or written by us"),
    ],
    ids=["emptied", "overwritten", "closed"],
)
def test_a_repository_that_cannot_be_read_is_none_though_pgbackrest_exits_with_0(
    stanza_server: Server, change: Callable[[Path], None], kind: type[BlackstartError], said: str
) -> None:
    raised = _changed(stanza_server, change, lambda stanza: stanza.info())
    assert type(raised) is kind
    assert said in str(raised)


@real
def test_verify_finds_what_it_itself_ends_well_with(stanza_server: Server) -> None:
    def change(repository: Path) -> None:
        victim = max((p for p in repository.rglob("pg_data/base/*/*")), key=lambda path: path.stat().st_size)
        victim.write_bytes(victim.read_bytes()[:-10])

    raised = _changed(stanza_server, change, lambda stanza: stanza.verify())
    assert isinstance(raised, RepositoryDamaged)
    assert "status: invalid" in str(raised)


@real
def test_a_wrong_passphrase_has_its_name_and_stays_out_of_the_message(stanza_server: Server) -> None:
    secrets = {
        "PGBACKREST_REPO2_CIPHER_TYPE": lambda: "aes-256-cbc",
        "PGBACKREST_REPO2_CIPHER_PASS": lambda: "planted-secret",
    }
    with pytest.raises(WrongPassword) as raised:
        stanza_server.stanza(THERE, secrets=secrets).info()
    assert "planted-secret" not in str(raised.value)


@real
def test_a_stanza_or_a_repository_of_another_name_is_told(stanza_server: Server) -> None:
    with pytest.raises(NoRepository, match='stanza "nobody" is not there'):
        stanza_server.stanza(THERE, stanza="nobody").info()
    with pytest.raises(RepositoryError, match="its configuration does not fit"):
        replace(stanza_server.stanza(THERE), repo=9).info()
    with pytest.raises(NoRepository, match=r"no backup to restore|is not valid"):
        stanza_server.stanza(THERE).restore(
            "20200101-000000F", stanza_server.folder / "nowhere", tablespaces=stanza_server.folder
        )


@real
def test_one_that_is_at_work_keeps_others_out(stanza_server: Server) -> None:
    lock = stanza_server.folder / "lock" / "desk-backup.lock"
    lock.touch()
    give(lock, USER)
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RepositoryLocked, match="another pgBackRest is at work"):
            stanza_server.stanza(THERE).expire()


@real
def test_a_server_that_is_away_or_does_not_archive_is_told_with_what_to_set(
    stanza_server: Server, tmp_path: Path
) -> None:
    stanza = stanza_server.stanza(THERE)
    config = tmp_path / "away.conf"
    config.write_text(
        stanza_server.config.read_text().replace(f"pg1-port={stanza_server.port}", "pg1-port=1")
    )
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(path.stat().st_mode | 0o055)
    with pytest.raises(RepositoryError, match="its server cannot be asked"):
        replace(stanza, config=config).backup("incr")
    _set(stanza_server, "ALTER SYSTEM SET archive_command = 'false'")
    try:
        with pytest.raises(RepositoryError, match="does not hand its WAL") as raised:
            stanza.check()
    finally:
        _set(stanza_server, "ALTER SYSTEM RESET archive_command")
    assert "archive_command = 'pgbackrest --stanza=desk archive-push %p'" in str(raised.value.hint)


def _set(server: Server, statement: str) -> None:
    sockets = server.folder / "sockets"
    psql = ["psql", "-qXh", str(sockets), "-p", str(server.port), "-U", "postgres", "-c", statement]
    subprocess.run([*psql, "-c", "SELECT pg_reload_conf()"], check=True, capture_output=True)


@real
@pytest.mark.campaign
def test_a_full_disk_leaves_the_backup_before_as_it_was(stanza_server: Server) -> None:
    if os.geteuid():
        pytest.skip("only root mounts a small disk")
    before = stanza_server.stanza(THERE).info().sets
    small = stanza_server.folder / "small"
    small.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m,mode=0777", "none", str(small)], check=True)
    try:
        stanza_server.configure(**{"repo2-path": str(small)})
        full = stanza_server.stanza(THERE)
        full.create()
        with pytest.raises(RepositoryError, match=r"no space is left|cannot be written"):
            full.backup("full")
    finally:
        stanza_server.configure()
        subprocess.run(["/bin/umount", str(small)], check=True)
    assert stanza_server.stanza(THERE).info().sets == before


@real
@pytest.mark.campaign
def test_one_that_is_stopped_in_the_middle_leaves_no_lock_and_no_backup(stanza_server: Server) -> None:
    stanza = stanza_server.stanza(THERE)
    before = stanza.info().sets
    with pytest.raises(RepositoryError) as raised:
        replace(stanza, transfer_limit_seconds=0.4).backup("full")
    assert isinstance(raised.value.__cause__, CommandTimeout)
    assert stanza.info().sets == before
    stanza.backup("incr")  # nothing is in the way of the next one


@real
@pytest.mark.campaign
def test_one_that_is_told_to_end_says_that_it_was_interrupted(
    stanza_server: Server,
) -> None:
    stanza, before = stanza_server.stanza(THERE), stanza_server.stanza(THERE).info().sets
    marked = {**stanza.env, "BLACKSTART_TEST": str(stanza_server.folder)}
    failed: list[BaseException] = []

    def back_up() -> None:
        try:
            replace(stanza, env=marked).backup("full")
        except BlackstartError as error:
            failed.append(error)

    thread = threading.Thread(target=back_up)
    thread.start()
    found: list[int] = []
    wait_until(lambda: found.extend(_pids(f"BLACKSTART_TEST={stanza_server.folder}")) or found)
    for pid in found[:1]:
        os.kill(pid, 15)
    thread.join(60)
    assert "interrupted" in str(failed[0])
    assert stanza.info().sets == before


def _pids(variable: str) -> list[int]:
    """Our own pgBackRest, by what only it was told; the oldest is the one that was started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            told, argv = (path / "environ").read_bytes(), (path / "cmdline").read_bytes()
        except OSError:
            continue
        if variable.encode() in told and argv.endswith(b"--type=full\0backup\0"):
            found.append(int(path.name))
    return sorted(found)


@real
def test_no_secret_is_in_the_command_line(stanza_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    run = command.run

    def watched(argv: list[str], **options: object) -> object:
        seen.extend(map(str, argv))
        return run(argv, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "run", watched)
    secrets = {"PGBACKREST_REPO2_S3_KEY_SECRET": lambda: "planted-secret"}
    stanza = stanza_server.stanza(THERE, secrets=secrets)
    stanza.info()
    assert not any("planted-secret" in word for word in [*seen, stanza.restore_command(Path("/data"))])
