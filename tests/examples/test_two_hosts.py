"""Two hosts over ssh: real machines with systemd, a real drill on them, and all that a site of hosts does."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sites.drivers import command
from sites.drivers.hosts.address import SshAddress
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.script import HostProcess
from sites.drivers.hosts.site import HostsSite
from sites.errors import HostError
from sites.plan import HostsSite as HostsNoun
from sites.plan import load
from tests.rto_rpo.evidence.agreeing import expect_both_agree

EXAMPLE = Path(__file__).parents[2] / "examples" / "two_hosts"
WAIT_SECONDS = 60.0
UNIT = """[Service]
ExecStart=/bin/sleep 600
Restart=always
RestartSec=50ms
"""


@pytest.fixture
def example() -> Iterator[Any]:
    if os.geteuid() != 0 or shutil.which("debootstrap", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("machines of namespaces need root and debootstrap")
    sys.path.insert(0, str(EXAMPLE))
    yield importlib.import_module("run")
    sys.path.remove(str(EXAMPLE))


def test_its_plan_is_of_two_hosts_that_share_nothing(tmp_path: Path) -> None:
    told = {"ALPHA": "198.19.0.11", "BRAVO": "198.19.0.12", "KEYS": str(tmp_path)}
    plan = load(EXAMPLE / "plan.yaml", told)
    assert all(isinstance(site, HostsNoun) and site.ssh.sudo for site in plan.sites.values())
    assert plan.datasets["orders"].kind == "postgres"
    assert (plan.sites["primary"].drills, plan.sites["dr"].drills) == (True, False)


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.cell("kill_site", "hosts", "postgres", verdict="met")
def test_campaign_of_two_hosts(example: Any, tmp_path: Path) -> None:
    """The primary is killed over ssh, the standby promoted, then back, and once more: nothing is lost."""
    with example.estate(tmp_path / "evidence") as hosts:
        assert example.drill(hosts) == 0
        assert example.fail_back(hosts) == 0
        assert example.drill(hosts) == 0
    reports = sorted((tmp_path / "evidence").glob("*/report.json"))
    assert len(reports) == 2
    for report in reports:
        check_report(report)
    expect_both_agree(tmp_path / "evidence")
    assert not list(Path("/sys/class/net").glob(f"bs{os.getpid()}*"))


def check_report(report: Path) -> None:
    found = json.loads(report.read_text())
    events = {
        record["event"]: record
        for record in map(json.loads, (report.parent / "ledger.jsonl").open())
        if record["kind"] == "event"
    }
    (rta,), (rpa,) = found["recovery_times"], found["recovery_points"]
    fault_ms = (events["fault_end"]["ns"] - events["fault_begin"]["ns"]) / 1e6
    print(f"proof: two hosts: RTO {rta['lower_seconds']:.3f} to {rta['upper_seconds']:.3f} s")  # noqa: T201
    print(f"proof: two hosts: systemd units killed and proven gone in {fault_ms:.0f} ms")  # noqa: T201
    print(f"proof: two hosts: lost {len(rpa['lost'])} of {rpa['acknowledged_count']}")  # noqa: T201
    assert found["verdict"] == "met", found["reasons"]
    assert rpa["lost"] == []
    assert events["undo"]["detail"]["undone"] == "reverted, fenced"


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_campaign_of_the_readme_word_for_word(example: Any, tmp_path: Path) -> None:
    """Every command of "your own two hosts", as a person would type it, on machines that know nothing yet."""
    folder = tmp_path / "two_hosts"
    shutil.copytree(EXAMPLE, folder)
    with importlib.import_module("machines").machines(tmp_path / "machines", "alpha", "bravo") as hosts:
        (folder / "typed.sh").write_text(typed(tmp_path, *hosts))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = example.command.run(
            ["sh", "-eu", "typed.sh"], cwd=folder, env={"PATH": path}, limit_seconds=300
        )
    assert done.stdout.count("MET  two-hosts, drill kill-primary") == 2, "there and back, and there again"
    assert "streams, and commits wait for it" in done.stdout
    expect_both_agree(folder / "evidence")


def typed(folder: Path, alpha: Any, bravo: Any) -> str:
    """The commands of the README. What stands around them is what a person has already: a way in as root."""
    text = (EXAMPLE / "README.md").read_text().split("## Your own two hosts in ten minutes")[1]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    watcher = alpha.address.rpartition(".")[0] + ".1"
    told = f"export ALPHA={alpha.address} BRAVO={bravo.address} WATCHER={watcher} KEYS=$PWD/keys"
    assert lines[0].startswith("export ALPHA=")
    key = folder / "root_key"
    command.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], limit_seconds=20)
    for machine in (alpha, bravo):
        public = key.with_suffix(".pub").read_text()
        machine.run("sh", "-c", "mkdir -m 700 -p /root/.ssh && cat >/root/.ssh/authorized_keys", text=public)
    ssh = f'ssh() {{ command ssh -F none -i {key} -o UserKnownHostsFile=keys/known_hosts "$@"; }}'
    again = [line for line in lines if line.startswith("blackstart")]
    script = "\n".join([told, ssh, *lines[1:], *again])
    hash_ = "$(blackstart drill kill-primary --preview | sed -n 's/.*--confirm //p')"
    return script.replace("HASH", hash_)


@pytest.fixture
def systemd(example: Any, tmp_path: Path) -> Iterator[tuple[Any, HostsSite]]:
    """A machine, and a site of two units on it that systemd starts again whenever they end."""
    machines = importlib.import_module("machines")
    with machines.machines(tmp_path / "machines", "alpha") as (alpha,):
        keys = tmp_path / "keys"
        keys.mkdir()
        example.command.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "id"], limit_seconds=20
        )
        public = (keys / "id.pub").read_text().strip()
        alpha.run("sh", "-s", "account", text=f"key='{public}'\n{example.PREPARE}")
        known = f"{alpha.address} {alpha.run('cat', '/etc/ssh/ssh_host_ed25519_key.pub')}"
        (keys / "known").write_text(known)
        for name in ("one", "two"):
            alpha.run("tee", f"/etc/systemd/system/{name}.service", text=UNIT)
        alpha.run("systemctl", "daemon-reload")
        address = SshAddress(
            alpha.address,
            user="blackstart",
            key=keys / "id",
            known_hosts=keys / "known",
            config=Path("/dev/null"),
            sudo=True,
            connect_seconds=2,
        )
        processes = {name: HostProcess("alpha", unit=f"{name}.service") for name in ("one", "two")}
        site = HostsSite("north", {"alpha": Host("alpha", address)}, processes, cut_seconds=8.0)
        yield alpha, site
        site.close()


def later(site: HostsSite) -> dict[str, int]:
    """What runs there, as soon as it can be asked again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return site.running()
        except HostError:
            assert time.monotonic() < deadline


def lifted(site: HostsSite) -> str:
    """How it was, in the words of the host: they are written a moment after it can be reached again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while "lifted" not in (how := site.partitioned().how):
        assert time.monotonic() < deadline, how
    return how


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_campaign_of_systemd_units_over_ssh(systemd: tuple[Any, HostsSite]) -> None:
    """Start, stop, pause, kill, cut off and the way back, by units that systemd would start again."""
    machine, site = systemd
    site.up()
    before = site.running()
    assert list(before) == ["one", "two"]

    assert site.pause().holds
    assert site.paused().holds
    assert site.resume().holds
    assert not site.paused().holds

    assert site.kill_process("one").holds
    assert list(site.running()) == ["two"]
    site.start("one")
    site.stop("two")
    assert list(site.running()) == ["one"]

    site.up()
    site.targets()
    proof = site.kill()
    assert proof.holds, proof
    print(f"proof: hosts: two systemd units killed and proven gone in {proof.detail['kill_and_proof_ms']} ms")  # noqa: T201
    time.sleep(0.3)  # longer than RestartSec
    assert site.proven_gone().holds, "systemd started again what was killed"

    site.up()
    proof = site.partition("both")
    assert proof.holds, proof
    assert "blackstart-cut-north" in str(proof.detail), "systemd has the dead-man where there is systemd"
    assert "blackstart-cut-north" in machine.run("systemctl", "list-timers", "--no-legend")
    assert later(site) == {}
    assert "lifted by its dead-man, after everything of the site here was killed" in lifted(site)

    site.up()
    before = site.running()
    assert site.partition("inbound").holds
    assert site.reconnect().holds
    assert site.running() == before
    assert not site.partitioned().holds
