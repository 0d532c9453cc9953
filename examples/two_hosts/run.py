"""Two hosts over ssh: the primary is killed, the standby takes over, and what it cost is measured.

    python examples/two_hosts/run.py [--back] [--evidence DIR]

Makes two machines to try on (root and debootstrap needed, a minute or two the first time), prepares them as
README.md does with your own, then runs the very commands that you would; with --back also the failback.
Leaves nothing running.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from machines import Machine, machines  # noqa: E402

from sites.drivers import command  # noqa: E402
from sites.errors import BlackstartError  # noqa: E402

PREPARE = (HERE / "prepare.sh").read_text()
PASSWORDS = ("blackstart", "replicator")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Two machines, the first of which has the primary, and what is known of them."""

    alpha: Machine
    bravo: Machine
    keys: Path
    evidence: Path

    @property
    def variables(self) -> dict[str, str]:
        """Those of the plan beside this file."""
        addresses = {"ALPHA": self.alpha.address, "BRAVO": self.bravo.address}
        return {**addresses, "KEYS": str(self.keys), "EVIDENCE": str(self.evidence)}

    def prepare(self, machine: Machine, role: str) -> None:
        """Over ssh, as blackstart will come; passwords on standard input."""
        peer = self.bravo if machine is self.alpha else self.alpha
        told = {name: (self.keys / name).read_text() for name in PASSWORDS}
        told |= {"peer": peer.address, "watcher": f"{machine.address.rpartition('.')[0]}.1"}
        lines = "".join(f"{name}='{value}'\n" for name, value in told.items())
        over_ssh(machine, self.keys, role, f"{lines}{PREPARE}")


@contextmanager
def estate(evidence: Path) -> Iterator[Hosts]:
    """Two prepared machines."""
    with tempfile.TemporaryDirectory(prefix="blackstart-two-hosts-", dir="/var/tmp") as folder:
        keys = Path(folder) / "keys"
        keys.mkdir(mode=0o700)
        with machines(Path(folder) / "machines", "alpha", "bravo") as (alpha, bravo):
            hosts = Hosts(alpha, bravo, keys, evidence.absolute())
            make_keys(keys, alpha, bravo)
            for machine, role in ((alpha, "primary"), (bravo, "standby"), (alpha, "wait")):
                hosts.prepare(machine, role)
            yield hosts


def make_keys(keys: Path, *machines: Machine) -> None:
    """The passwords, the key that opens both accounts, and the machines' own, seen at their consoles."""
    command.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "id_ed25519"], limit_seconds=20)
    for name in PASSWORDS:
        (keys / name).touch(mode=0o600)
        (keys / name).write_text(secrets.token_urlsafe(18))
    public, known = (keys / "id_ed25519.pub").read_text().strip(), ""
    for machine in machines:
        machine.run("sh", "-s", "account", text=f"key='{public}'\n{PREPARE}")
        known += f"{machine.address} {machine.run('cat', '/etc/ssh/ssh_host_ed25519_key.pub')}"
    (keys / "known_hosts").write_text(known)


def over_ssh(machine: Machine, keys: Path, role: str, script: str) -> None:
    options = ["-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={keys / 'known_hosts'}"]
    login = ["-i", keys / "id_ed25519", f"blackstart@{machine.address}"]
    command.run(["ssh", *options, *login, "sudo", "sh", "-s", role], input=script, limit_seconds=120)


def blackstart(variables: dict[str, str], *words: str) -> tuple[int, str]:
    """What a person types; what comes of it is shown as it comes."""
    print(f"\n$ blackstart {' '.join(words)}", flush=True)
    argv = [Path(sys.executable).with_name("blackstart"), *words, "--plan", HERE / "plan.yaml"]
    said = []
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ) as running:
        assert running.stdout is not None  # noqa: S101  it was opened
        for line in running.stdout:
            print(line, end="", flush=True)
            said.append(line)
    return running.returncode, "".join(said)


def drill(hosts: Hosts) -> int:
    """Check, look, then do it. The exit code is the drill's: 0 met, 1 missed, 3 inconclusive."""
    variables = hosts.variables
    code, _ = blackstart(variables, "check")
    if code != 0:
        return code
    code, seen = blackstart(variables, "drill", "kill-primary", "--preview")
    confirm = re.search(r"--confirm ([0-9a-f]{16})", seen)
    if code != 0 or confirm is None:
        return code or 1
    code, _ = blackstart(variables, "drill", "kill-primary", "--environment", "demo", "--confirm", confirm[1])
    blackstart(variables, "status")
    return code


def fail_back(hosts: Hosts) -> int:
    """The old primary becomes a standby, catches up, and serves again."""
    code, _ = blackstart(hosts.variables, "failback", "--environment", "demo")
    blackstart(hosts.variables, "status")
    return code


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evidence", type=Path, default=Path("evidence-two-hosts"))
    parser.add_argument("--back", action="store_true", help="then fail back")
    options = parser.parse_args()
    try:
        with estate(options.evidence) as hosts:
            code = drill(hosts)
            if options.back and code == 0:
                code = fail_back(hosts)
            sys.exit(code)
    except BlackstartError as error:
        sys.exit(f"{error}" + (f"\nhint: {error.hint}" if error.hint else ""))


if __name__ == "__main__":
    main()
