"""Sites of every kind from one plan: what is the same for all, and what only some can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.exposure.status import lines, status_of
from flows.readiness.checks import checks
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import load

PLAN = """
name: desk
environment: test
sites:
  north:
    kind: shell
    start: [sh, -c, 'echo "$$BLACKSTART_PROCESS" >> up']
    stop: ["true"]
    kill: [sh, -c, ': > up']
    status: [sh, -c, 'while read -r n; do echo "$$n 1"; done < up; echo "END $$(wc -l < up)"; test -e up']
    env: {TOKEN: {file: token}}
    drills: true
    processes: {alpha: {}, postgres: {autostart: false}}
  south: {kind: processes, path: south}
datasets:
  orders:
    kind: postgres
    database: desk
    user: desk
    primary: {site: north, host: 127.0.0.1, port: 1, process: postgres, data: data}
    replication: {password: {file: token}}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "token").write_text("hunter22")
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "up").touch()
    return Estate(load(tmp_path / "plan.yaml"))


def test_a_site_of_commands_runs_them_in_the_folder_of_the_plan(estate: Estate) -> None:
    site = estate.site("north")
    site.up()
    site.start("postgres")

    assert site.running() == {"alpha": 1, "postgres": 1}
    assert site.kill().holds
    assert site.running() == {}


def test_what_only_some_kinds_can_do_is_refused_for_others(estate: Estate) -> None:
    with pytest.raises(PlanError, match='site "north" is of kind shell, not processes'):
        estate.processes("north")
    with pytest.raises(
        PlanError, match='"orders" cannot be made a standby at site "north": it is of kind shell'
    ):
        estate.rejoining("orders", "north")
    assert estate.processes("south").name == "south"


def test_every_site_has_room_for_restore_tests(estate: Estate) -> None:
    assert estate.room("south") == estate.plan.folder / "south"
    assert estate.room("north") == estate.state / "sites" / "north"


def test_status_says_that_a_site_cannot_be_asked(estate: Estate) -> None:
    told = "\n".join(lines(status_of(estate)))
    assert ["north", "down", "none"] in [line.split() for line in told.splitlines()]
    (estate.plan.folder / "up").unlink()

    told = "\n".join(lines(status_of(estate)))
    assert "north  unknown  it cannot be asked" in told


def test_check_asks_every_site_that_is_out_there(estate: Estate) -> None:
    estate.site("north").up()
    found = {check.name: check for check in checks(estate)}
    assert (found["site north"].state, found["site north"].what) == ("ok", "it answers; running there: alpha")
    assert "site south" not in found
    (estate.plan.folder / "up").unlink()

    found = {check.name: check for check in checks(estate)}
    assert found["site north"].state == "failed"
    assert 'cannot ask site "north"' in found["site north"].what
