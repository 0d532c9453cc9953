"""Two machines to try on: a Debian each, with systemd, sshd and PostgreSQL, made of Linux namespaces.

No container engine and no image is needed, but root and debootstrap: `machines()` boots them on a bridge of
their own, and nothing is left of them afterwards but the Debian that they share (700 MB).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from sites.drivers import command  # noqa: E402
from sites.errors import BlackstartError, CommandError, MissingProgram  # noqa: E402

HERE = Path(__file__).resolve().parent
BASE = Path("/var/tmp/blackstart-debian")  # noqa: S108  root's alone, see `debian`
PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,sudo,nftables,iproute2,postgresql,procps"
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
UP_SECONDS = 60.0
_PATH = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}


@dataclass(frozen=True, slots=True)
class Machine:
    """One that runs. `pid` is its systemd, as seen from here."""

    name: str
    address: str
    pid: int

    def run(self, *argv: str, text: str | None = None) -> str:
        """As somebody at its console would, who is root."""
        words = ["nsenter", "--all", "--target", str(self.pid), *argv]
        return command.run(words, input=text, limit_seconds=300, env=_PATH).stdout


@contextmanager
def machines(folder: Path, *names: str) -> Iterator[list[Machine]]:
    """Machines of those names on one network; the first address of it is ours. Raises BlackstartError."""
    if os.geteuid() != 0:
        raise BlackstartError(
            "machines of namespaces need root", hint="sudo, or two hosts of your own: README.md"
        )
    debian(BASE)
    network = f"198.19.{random.randrange(256)}"  # noqa: S311  no secret
    bridge = f"bs{os.getpid()}"
    groups = [_control_group() / f"blackstart-{os.getpid()}-{name}" for name in names]
    started: list[int] = []
    try:
        _run("ip", "link", "add", bridge, "type", "bridge")
        _run("ip", "address", "add", f"{network}.1/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        up = []
        for at, (name, group) in enumerate(zip(names, groups, strict=True), 11):
            started.append(_boot(folder / name, name, group))
            up.append(Machine(name, f"{network}.{at}", _first_child(started[-1])))
            _plug_in(up[-1], bridge)
        for machine in up:
            machine.run("systemctl", "is-system-running", "--wait", "--quiet")
        yield up
    finally:
        _clear(started, groups, bridge)
        shutil.rmtree(folder, ignore_errors=True)


def debian(base: Path) -> None:
    """Make the Debian that the machines share, once. Raises BlackstartError."""
    if (base / "whole").exists():
        return
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(mode=0o755, parents=True)
    print(f"Making a Debian in {base} (a minute or so)", file=sys.stderr, flush=True)
    wanted = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", base / "root"]
    try:
        command.run(wanted, limit_seconds=1800, env=_PATH)
    except MissingProgram as error:
        raise MissingProgram(str(error), hint="apt-get install debootstrap") from error
    (base / "whole").touch()


def _boot(home: Path, name: str, group: Path) -> int:
    """Start one, in a control group of its own, which systemd takes for the whole machine's."""
    home.mkdir(parents=True)
    group.mkdir()
    inside = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
    script = ["sh", HERE / "machine.sh", BASE / "root", home, name]
    unshare = ["unshare", *NAMESPACES, "--fork", "--kill-child", *script]
    return command.spawn(["sh", "-c", inside, group, *unshare], stdout=home / "log", env=_PATH)


def _plug_in(machine: Machine, bridge: str) -> None:
    there = ["nsenter", "--net", "--target", str(machine.pid), "ip"]
    wire = f"{bridge}{machine.name[0]}"
    _run("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", str(machine.pid))
    _run("ip", "link", "set", wire, "master", bridge, "up")
    _run(*there, "address", "add", f"{machine.address}/24", "dev", "eth0")
    for link in ("eth0", "lo"):
        _run(*there, "link", "set", link, "up")


def _first_child(pid: int) -> int:
    """systemd, as soon as it is more than a shell."""
    found: list[str] = []

    def is_systemd() -> bool:
        found[:] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return bool(found) and Path(f"/proc/{found[0]}/comm").read_text().strip() == "systemd"

    _wait(is_systemd, "a machine to boot")
    bus = Path(f"/proc/{found[0]}/root/run/systemd/private")
    _wait(bus.exists, "systemd to listen")
    return int(found[0])


def _clear(started: list[int], groups: list[Path], bridge: str) -> None:
    for pid in started:
        os.kill(pid, signal.SIGKILL)  # and --kill-child takes systemd, and that the whole machine
    for group in groups:
        _wait(lambda group=group: not _busy(group), f"{group} to be empty")  # type: ignore[misc]
        for each in sorted(group.rglob("*"), reverse=True):
            if each.is_dir():
                each.rmdir()
        group.rmdir()
    command.run(["ip", "link", "delete", bridge], limit_seconds=10, env=_PATH, ok_codes=(0, 1))


def _busy(group: Path) -> bool:
    return group.exists() and "populated 1" in (group / "cgroup.events").read_text()


def _control_group() -> Path:
    """The root of the second hierarchy of control groups. Raises BlackstartError."""
    for root in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (root / "cgroup.controllers").exists():
            return root
    raise BlackstartError("no cgroup2 is mounted here", hint="two hosts of your own: README.md")


def _run(*argv: str) -> None:
    command.run(argv, limit_seconds=10, env=_PATH)


def _wait(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while True:
        try:
            if holds():
                return
        except (OSError, CommandError):  # not there yet, or not any more
            pass
        if time.monotonic() > deadline:
            raise BlackstartError(f"waited {UP_SECONDS:.0f} s for {what}")
        time.sleep(0.02)
