"""All comes from the backup at the other site, on containers and on hosts: no replica is trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all, restore_tests
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import EASY, EXAMPLE, calibration, ledger
from tests.engine import BASE, engine
from tests.examples.test_two_hosts import example
from tests.sites.drivers.waiting import wait_until

sys.path.insert(0, str(EXAMPLE))  # as in desks

import container_desk

__all__ = ["example"]

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(580), pytest.mark.campaign]
COLD = {**EASY, "cold": True, "lead": "3s", "deadline": "6m", "schedule": None}


def protected(estate: Estate) -> None:
    outcomes = [*back_up(estate), *replicate_all(estate), *restore_tests(estate)]
    assert [one.error for one in outcomes if one.error] == []


def acknowledged(evidence: Path) -> bool:
    """Whether the ledger of the run has such a write by now."""
    (ledger,) = evidence.glob("*/ledger.jsonl")
    return b'"acknowledged"' in ledger.read_bytes()


def drilled(estate: Estate) -> Closed:
    """A backup is made while the canary writes already, as a schedule would: the loss has a bound then."""

    def tell(said: str) -> None:
        if said.startswith("Lead"):
            wait_until("a write of the canary", lambda: acknowledged(estate.plan.evidence.path))
            outcomes = [*back_up(estate), *replicate_all(estate)]
            assert [one.error for one in outcomes if one.error] == []

    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "kill-primary").confirm
    return drill.run(estate, "kill-primary", environment="demo", confirm=confirm, tell=tell)


def expect_cold(estate: Estate, run: Closed, what: str) -> None:
    """Met, and what was lost is what the backup did not have: a standby in sync had all of it."""
    assert run.verdict == "met", run.report["reasons"]
    (point,), (time,) = run.report["recovery_points"], run.report["recovery_times"]
    assert 0 < len(point["lost"]) < point["acknowledged_count"], (
        "whoever finds none lost has used the standby"
    )
    steps = [line["detail"].get("step") for line in ledger(run) if line["kind"] == "event"]
    assert "load orders" in steps
    orders = estate.postgres("orders")
    assert [site for site in ("primary", "dr") if orders.writable(site)] == ["dr"]
    (undo,) = [line["detail"] for line in ledger(run) if line.get("event") == "undo"]
    assert undo["undone"] == "reverted, fenced"
    assert verify(estate.plan.evidence.path).intact
    lost = f"lost {len(point['lost'])} of {point['acknowledged_count']}"
    at_most = f"RTO at most {time['upper_seconds']:.2f} s, RPO {point['upper_seconds']:.2f} s"
    print(f"proof: cold, {what}: {at_most}, {lost}")  # noqa: T201


@contextmanager
def containers(folder: Path) -> Iterator[Estate]:
    """The desk in containers under a plan whose drill is cold; nothing waits for a gate."""
    engine()
    environ = {**os.environ, "BASE": BASE, "BLACKSTART_EVIDENCE": str(folder / "evidence")}
    built = container_desk.build(folder, environ)
    try:
        built.up()
        declared = yaml.safe_load(container_desk.PLAN.read_text())
        del declared["services"]["engine"]["gate"]
        declared["services"]["gateway"]["cold_rto"] = "5m"
        declared["datasets"]["orders"]["cold_rpo"] = "1h"
        declared["drills"]["kill-primary"] |= COLD
        text = yaml.safe_dump(declared, sort_keys=False).encode()
        yield Estate(read_plan(container_desk.PLAN, text, {**environ, **built.variables}))
    finally:
        built.down()


@pytest.mark.containers
def test_containers_recover_from_the_copy_alone(desk_folder: Path) -> None:
    with containers(desk_folder) as estate:
        protected(estate)
        expect_cold(estate, drilled(estate), "containers")


def test_hosts_recover_from_the_copy_alone(example: Any, tmp_path: Path) -> None:
    with example.estate(tmp_path / "evidence") as hosts:
        estate = hosts_of(hosts, tmp_path)
        protected(estate)
        expect_cold(estate, drilled(estate), "hosts")


WRITE = """
payload=$(cat)
said=$(ask "INSERT INTO marks VALUES ('$BLACKSTART_STREAM', $BLACKSTART_NUMBER, '$payload')" 2>&1) && exit 0
case $said in *"Connection refused"* | *"read-only transaction"*) exit 69 ;; *) exit 1 ;; esac
"""
READ = """
of="FROM marks WHERE stream = '$BLACKSTART_STREAM'"
ask "SELECT number || ' ' || payload $of" && echo "END $(ask "SELECT count(*) $of")"
"""
ASK = 'ask() { psql -h "$(cat "$ENDPOINT")" -U blackstart -d desk -qAtX -v ON_ERROR_STOP=1 -c "$1"; }'


def hosts_of(hosts: Any, folder: Path) -> Estate:
    """The example of two hosts with a backup of its database, kept where blackstart runs.

    Its clients go where a file sends them. Those who look for the server that takes writes find the other one
    while it is being emptied, and lose what they wrote there: the verdict is *missed* then, and rightly so.
    """
    path = EXAMPLE.parent / "two_hosts" / "plan.yaml"
    (folder / "restic").touch(mode=0o600)
    (folder / "restic").write_text("a password of the test's own")
    (folder / "endpoint").write_text(hosts.alpha.address)
    password = {"file": str(folder / "restic")}
    declared = yaml.safe_load(path.read_text())
    declared["repositories"] = {
        "onsite": {"site": "primary", "url": str(folder / "onsite"), "password": password},
        "offsite": {"site": "dr", "url": str(folder / "offsite"), "password": password, "copy_of": "onsite"},
    }
    declared["datasets"]["orders"] |= {"backup": {"to": "onsite", "every": "1h"}, "cold_rpo": "1h"}
    declared["services"]["database"] |= {
        "cold_rto": "5m",
        "addresses": declared["services"]["health"]["addresses"],
        "redirect": {
            "kind": "file",
            "path": str(folder / "endpoint"),
            "content": {"primary": hosts.alpha.address, "dr": hosts.bravo.address},
        },
    }
    secret = {"file": str(hosts.keys / "blackstart")}
    declared["drills"]["kill-primary"] |= COLD | {
        "canary": {
            "kind": "shell",
            "service": "database",
            "dataset": "orders",
            "rate": "10/s",
            "write": ["sh", "-c", f"{ASK}\n{WRITE}".replace("$", "$$")],
            "read": ["sh", "-c", f"{ASK}\n{READ}".replace("$", "$$")],
            "env": {"ENDPOINT": str(folder / "endpoint"), "PGCONNECT_TIMEOUT": "2", "PGPASSWORD": secret},
        }
    }
    text = yaml.safe_dump(declared, sort_keys=False).encode()
    estate = Estate(read_plan(path, text, {**os.environ, **hosts.variables}))
    make_table(hosts)
    return estate


def make_table(hosts: Any) -> None:
    done = subprocess.run(
        ["/usr/bin/psql", "-h", hosts.alpha.address, "-U", "blackstart", "-d", "desk", "-c", TABLE],
        env={**os.environ, "PGPASSWORD": (hosts.keys / "blackstart").read_text()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


TABLE = "CREATE TABLE marks (stream text, number int, payload text, PRIMARY KEY (stream, number))"
