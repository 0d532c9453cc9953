"""Sites of hosts in a plan: what is refused, and what becomes of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.drivers.hosts.site import HostsSite
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import load

OWN = "start: [a], stop: [a], kill: [a]"
PLAN = """
name: two
environment: test
sites:
  north:
    kind: hosts
    hosts: {db: {address: 10.0.0.1, port: 2222}, app: {address: app.example.org}}
    ssh: {user: blackstart, key: id, known_hosts: known, sudo: true, limit: 3s}
    processes: {postgres: {host: db, unit: postgresql@15-main}, gateway: {host: app, OWN, status: [a]}}
""".replace("OWN", OWN)

NO_SUCH = "processes.postgres.host: no host is named"
NEITHER = "processes.gateway: neither a unit nor a command to"
WRONG = {
    ("{host: db, unit", "{host: dba, unit"): f'{NO_SUCH} "dba"; did you mean "db"? known: app, db',
    ("{host: db, unit", "{unit"): "processes.postgres.host: missing; the site has 2: db, app",
    (", status: [a]", ""): f"{NEITHER} status it",
    (f"app, {OWN}, status: [a]", "app"): f"{NEITHER} start, stop, kill, status it",
    (
        "app.example.org",
        "10.0.0.1, port: 2222",
    ): "hosts.db.address: two hosts of the site have the same address",
    (
        "app.example.org",
        "-oProxyCommand=x",
    ): 'hosts.app.address: "-oProxyCommand=x" is not a host name or address',
    ("user: blackstart", "user: -l"): 'ssh.user: "-l" is not a user\'s name',
    ("postgresql@15-main", "--now"): 'processes.postgres.unit: "--now" is not the name of a systemd unit',
    (
        "limit: 3s}",
        "limit: 3s}\n    cut_limit: 4s",
    ): "cut_limit: 4s is too short for a cut; at least 5s",
    ("kind: hosts", "kind: hostz"): 'kind: "hostz" is no kind known here; did you mean "hosts"? KINDS',
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change[1])
def test_what_is_wrong_is_told_once(tmp_path: Path, change: tuple[str, str]) -> None:
    assert PLAN.count(change[0]) == 1
    (tmp_path / "plan.yaml").write_text(PLAN.replace(*change))

    with pytest.raises(PlanError) as caught:
        load(tmp_path / "plan.yaml")
    told = [line.partition("sites.north.")[2] for line in str(caught.value).splitlines()]
    kinds = "allowed: containers, hosts, processes, shell"
    assert told == [WRONG[change].replace("KINDS", kinds)]


def test_it_becomes_a_site_whose_hosts_are_reached_as_declared(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)

    site = Estate(load(tmp_path / "plan.yaml")).site("north")

    assert isinstance(site, HostsSite)
    db, app = site.hosts["db"].address, site.hosts["app"].address
    assert (str(db), str(app)) == ("blackstart@10.0.0.1:2222", "blackstart@app.example.org")
    assert db.socket != app.socket
    argv = db.argv()
    assert {"StrictHostKeyChecking=yes", "BatchMode=yes", "ForwardAgent=no"} < set(argv)
    assert argv[-3:] == ["--", "10.0.0.1", 'exec sudo -n env SSH_CONNECTION="$SSH_CONNECTION" /bin/sh -s']
    assert "systemctl" in site.hosts["db"].words
    assert "unit_kill postgresql@15-main" in site.hosts["db"].words
    assert "postgresql" not in site.hosts["app"].words
