"""A plan over a real pgBackRest stanza: ours, and somebody else's that is only ever read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection import outcomes
from flows.protection.protect import back_up, replicate_all, restore_tests, restored_as_of
from flows.protection.upkeep import keep_up
from flows.readiness.checks import checks, exit_code
from flows.readiness.first_plan import first_plan
from flows.recovery.clean import clean_point
from sites.discovery import look_around
from sites.errors import PlanError, RepositoryError
from sites.estate import Estate
from sites.protection.stanza_backup import send_mark
from tests.sites.conftest import stanza_server as stanza_server
from tests.sites.stanzas import DATABASE, OWNER, PASSWORD, STANZA, THERE, Server

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]

PLAN = """\
name: walled
environment: test
sites:
  here:  {{kind: processes, path: "{root}/here"}}
  there: {{kind: processes, path: "{root}/there"}}
repositories:
  onsite-wal:  {{kind: pgbackrest, site: here, stanza: {stanza}, repo: 1, config: "{config}"{more}}}
  offsite-wal: {{kind: pgbackrest, site: there, stanza: {stanza}, repo: 2, config: "{config}",
                 copy_of: onsite-wal{more}}}
datasets:
  orders:
    kind: postgres
    database: {database}
    user: {owner}
    password: {{file: "{root}/secret"}}
    primary: {{site: here, host: 127.0.0.1, port: {port}}}
    backup: {backup}
    checks: [{{kind: query, name: one, sql: "SELECT 1", expect: "1"}}]
    rpo: 10m
"""


def estate_with(server: Server, root: Path, backup: str, more: str = "") -> Estate:
    for name in ("here", "there"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "secret").write_text(PASSWORD)
    (root / "secret").chmod(0o600)
    text = PLAN.format(
        root=root,
        stanza=STANZA,
        config=server.config,
        database=DATABASE,
        owner=OWNER,
        port=server.port,
        backup=backup,
        more=more,
    )
    (root / "plan.yaml").write_text(text)
    return estate_of(root / "plan.yaml")


@pytest.fixture
def root(stanza_server: Server) -> Path:
    return stanza_server.folder / "plan"


def states(found: Iterator[outcomes.Row]) -> list[tuple[str, str]]:
    return [(row.subject, row.state) for row in found]


def files_of(repository: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in repository.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_all_of_it_from_the_plan(stanza_server: Server, root: Path) -> None:
    estate = estate_with(stanza_server, root, "{to: onsite-wal, every: 1d}")
    made = states(outcomes.backed_up(one) for one in back_up(estate))
    assert made == [("orders", "backed up"), ("orders", "backed up")]
    assert states(outcomes.replicated(one) for one in replicate_all(estate)) == [
        ("offsite-wal", "replicated")
    ]
    [row] = exposed(estate)
    assert (row.by, row.exceeded) == ("wal", False)
    assert states(outcomes.tested(one) for one in restore_tests(estate)) == [("orders", "met")]
    kept = states(outcomes.kept_up(one) for one in keep_up(estate))
    assert kept == [(n, s) for n in ("onsite-wal", "offsite-wal") for s in ("sound", "expired")]
    proven = exposed(estate)[0].proven
    assert proven is not None
    moment = exposed(estate)[0].proven_point
    assert moment is not None
    assert states(outcomes.tested(one) for one in restored_as_of(estate, ["orders"], moment)) == [
        ("orders", "met")
    ]
    assert exposed(estate)[0].proven == proven
    told = {one.name: one.what for one in checks(estate)}
    assert told["pgbackrest"].startswith("pgBackRest 2.")
    assert "restic" not in told
    with pytest.raises(PlanError, match="clean points are looked for in snapshots"):
        clean_point(estate, "orders", lambda _: None)


def test_what_is_damaged_is_told_by_upkeep(stanza_server: Server, root: Path) -> None:
    estate = estate_with(stanza_server, root, "{to: onsite-wal, every: 1d}")
    whole = stanza_server.harm(THERE)
    try:
        [*_, victim] = stanza_server.wal(THERE)
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 0xFF
        victim.write_bytes(content)
        rows = [outcomes.kept_up(one) for one in keep_up(estate)]
        assert [(row.subject, row.state) for row in rows if row.subject == "offsite-wal"] == [
            ("offsite-wal", "failed")
        ]
    finally:
        stanza_server.heal(THERE, whole)


def test_somebody_elses_is_read_with_credentials_that_cannot_write(stanza_server: Server, root: Path) -> None:
    send_mark("orders", lambda: stanza_server.dataset.mark("primary"), stanza_server.stanza(THERE))
    repository = stanza_server.repository(THERE)
    subprocess.run(["/bin/chmod", "-R", "a+rX", str(repository)], check=True)
    mode = stanza_server.run("SHOW archive_command")
    before = files_of(repository)
    backup = "{by: external, to: offsite-wal, every: 1d}"
    estate = estate_with(stanza_server, root, backup, more=", user: nobody")
    assert not _may_write(repository)
    [row] = exposed(estate)
    assert row.by == "wal", row.notes
    [tested] = [outcomes.tested(one) for one in restore_tests(estate)]
    assert tested.state == "met", tested.what
    assert list(back_up(estate)) == []
    assert list(replicate_all(estate)) == []
    assert list(keep_up(estate)) == []
    assert files_of(repository) == before
    assert stanza_server.run("SHOW archive_command") == mode


@pytest.mark.parametrize("act", ["create", "check", "expire", "backup"])
def test_nothing_that_would_change_somebody_elses_is_run(stanza_server: Server, root: Path, act: str) -> None:
    estate = estate_with(stanza_server, root, "{by: external, to: offsite-wal, every: 1d}")
    stanza = estate.stanza("offsite-wal")
    assert stanza is not None
    with pytest.raises(RepositoryError, match="somebody else's"):
        getattr(stanza, act)(*(["full"] if act == "backup" else []))


def test_init_finds_it_and_only_looks(
    stanza_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"PGHOST": "127.0.0.1", "PGPORT": str(stanza_server.port), "PGUSER": OWNER}
    more = {"PGPASSWORD": PASSWORD, "PGBACKREST_CONFIG": str(stanza_server.config)}
    for name, value in {**variables, **more}.items():
        monkeypatch.setenv(name, value)
    send_mark("orders", lambda: stanza_server.dataset.mark("primary"), stanza_server.stanza(THERE))
    before = files_of(stanza_server.repository(THERE))
    found = look_around(patroni="http://127.0.0.1:9")
    text, told = first_plan(found, tmp_path / "plan.yaml")
    assert exit_code(told) == 0, told
    (tmp_path / "plan.yaml").write_text(text)
    plan = estate_of(tmp_path / "plan.yaml").plan
    assert plan.repositories["desk-wal"].kind == "pgbackrest"
    # whether the primary could delete it is for its owner to say: until then the dataset is a comment
    assert "could delete it: make it append-only there and say so" in text
    assert "  #   backup: {by: external, to: desk-wal, every: 1d}" in text.splitlines()
    assert files_of(stanza_server.repository(THERE)) == before


def _may_write(folder: Path) -> bool:
    argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "test", "-w", str(folder)]
    return subprocess.run(argv, check=False).returncode == 0
