"""A real sshd on loopback, a process of ours with its own keys, and sites of sleeping processes behind it."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sites.drivers import command
from sites.drivers.hosts.address import SshAddress
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.script import HostProcess
from sites.drivers.hosts.site import HostsSite
from sites.drivers.processes.table import numbers

LOOPBACK = "127.0.0.1"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PROGRAM = shutil.which("sshd", path=PATH)
UP_SECONDS = 10.0
# With a level like that bash does not read the .bashrc of whoever runs the tests, slow as it may be.
CONFIG = """
ListenAddress {listen}:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserEnvironment no
PrintMotd no
SetEnv SHLVL=9
MaxStartups 100
{more}
"""
# As root sshd wants an empty folder at /run/sshd: it gets one where nobody else sees it.
IN_PRIVATE = 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"'


def why_not() -> str | None:
    """Why no sshd can be had here; None if it can."""
    if PROGRAM is None:
        return "no sshd is installed (Debian: openssh-server)"
    if os.geteuid() == 0 and "sshd" not in {entry.pw_name for entry in pwd.getpwall()}:
        return "as root sshd needs the user sshd, which the package openssh-server makes"
    return None


@dataclass
class Sshd:
    """One server. `port` is where it listens; it may be stopped, and started again."""

    folder: Path
    port: int
    pid: int = 0
    more: str = ""
    site: HostsSite | None = None
    at: str = LOOPBACK
    island: bool = False

    def start(self) -> None:
        listen = "0.0.0.0" if self.island else LOOPBACK
        settings = {"listen": listen, "port": self.port, "folder": self.folder, "more": self.more}
        (self.folder / "sshd_config").write_text(CONFIG.format(**settings))
        argv = [str(PROGRAM), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        if os.geteuid() == 0:
            argv = [
                "unshare",
                *(["--net"] if self.island else []),
                "--mount",
                "sh",
                "-c",
                IN_PRIVATE,
                "sh",
                *argv,
            ]
        self.pid = command.spawn(argv, stdout=self.folder / "sshd.log")
        if self.island:
            _wire(self.pid, self.at)
        deadline = time.monotonic() + UP_SECONDS
        while not _answers(self.at, self.port):
            assert time.monotonic() < deadline, (self.folder / "sshd.log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        """No more connections. Those that are open stay, but for an island: all of it goes."""
        if self.pid and self.island:
            network = Path(f"/proc/{self.pid}/ns/net").readlink()
            for pid in numbers():
                if _network(pid) == network:
                    os.kill(pid, signal.SIGKILL)
        elif self.pid:
            os.kill(self.pid, signal.SIGTERM)
        self.pid = 0

    def remove(self) -> None:
        """The server, the connection that was kept to it, and its folder."""
        Host("", self.address()).hang_up()
        self.stop()
        shutil.rmtree(self.folder.parent)

    def address(self, **options: object) -> SshAddress:
        usual: dict[str, object] = {
            "address": self.at,
            "port": self.port,
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "key": self.folder / "client_key",
            "known_hosts": self.folder / "known_hosts",
            "config": Path("/dev/null"),
            "connect_seconds": 1 if self.island else 5,
        }
        return SshAddress(**(usual | options))  # type: ignore[arg-type]


def make_keys(folder: Path) -> None:
    """The host's key and the client's, once for many servers: making them takes longer than copying."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host_key", "client_key", "other_key"):
        command.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], limit_seconds=20)


def make_sshd(keys: Path, folder: Path, more: str = "") -> Sshd:
    """A server that listens already, its key known."""
    shutil.copytree(keys, folder)
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = int(taken.getsockname()[1])
    know(folder, port, "host_key")
    server = Sshd(folder, port, more=more)
    server.start()
    return server


def no_island() -> str | None:
    """Why no machine with a network of its own can be made here."""
    if os.geteuid() != 0:
        return "a network namespace with a wire to it needs root"
    missing = [name for name in ("ip", "nsenter", "nft") if shutil.which(name, path=PATH) is None]
    return f"not installed: {', '.join(missing)}" if missing else why_not()


def make_island(keys: Path, folder: Path) -> Sshd:
    """A server in a network namespace of its own, at the other end of a wire."""
    shutil.copytree(keys, folder)
    at = f"198.18.{random.randrange(256)}.{4 * random.randrange(64) + 2}"  # noqa: S311  no secret
    know(folder, 22, "host_key", at)
    server = Sshd(folder, 22, at=at, island=True)
    server.start()
    return server


def _network(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:  # it has ended meanwhile
        return None


def _wire(pid: int, at: str) -> None:
    """A wire from here, the first address of its network of four, to the namespace of a process."""
    deadline = time.monotonic() + UP_SECONDS
    ours, theirs = Path("/proc/self/ns/net"), Path(f"/proc/{pid}/ns/net")
    while theirs.readlink() == ours.readlink():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    network, _, last = at.rpartition(".")
    inside = ["nsenter", "--net", "--target", str(pid), "ip"]
    for argv in (
        ["ip", "link", "add", f"bs{pid}", "type", "veth", "peer", "name", "eth0", "netns", str(pid)],
        ["ip", "address", "add", f"{network}.{int(last) - 1}/30", "dev", f"bs{pid}"],
        ["ip", "link", "set", f"bs{pid}", "up"],
        [*inside, "address", "add", f"{at}/30", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "link", "set", "lo", "up"],
    ):
        command.run(argv, limit_seconds=10, env={"PATH": PATH})


@functools.cache
def one_sshd() -> Sshd:
    """One for all tests of a process that do it no harm; it ends with them."""
    folder = Path(tempfile.mkdtemp(prefix="blackstart-"))
    make_keys(folder / "keys")
    made = make_sshd(folder / "keys", folder / "server")
    atexit.register(made.remove)
    return made


def know(folder: Path, port: int, key: str, at: str = LOOPBACK) -> None:
    """This key is the known one from now on."""
    public = " ".join((folder / f"{key}.pub").read_text().split()[:2])
    name = at if port == 22 else f"[{at}]:{port}"
    (folder / "known_hosts").write_text(f"{name} {public}\n")


def _answers(at: str, port: int) -> bool:
    try:
        with socket.create_connection((at, port), timeout=1) as line:
            return line.recv(4) == b"SSH-"
    except OSError:
        return False


SCRIPT = """
cd {folder}; alive() {{
  read -r pid 2>/dev/null <"$1" && read -r _ _ state _ 2>/dev/null <"/proc/$pid/stat" && [ "$state" != Z ]
}}
case {act} in
start) alive {name}.pid || {{ setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! >{name}.pid; }} ;;
stop) alive {name}.pid && kill "$pid"; while alive {name}.pid; do sleep 0.01; done ;;
kill) alive {name}.pid && kill -9 "$pid"; : ;;
status) alive {name}.pid && echo "$pid" || exit 3 ;;
esac
"""


def sleeper(folder: Path, name: str, host: str = "a", **options: object) -> HostProcess:
    """A process that sleeps on its host, started and stopped by commands, as where there is no systemd."""
    acts = {
        act: ("sh", "-c", SCRIPT.format(folder=shlex.quote(str(folder)), act=act, name=name))
        for act in ("start", "stop", "kill", "status")
    }
    return HostProcess(host, **{**acts, **options})  # type: ignore[arg-type]


def hosts_site(server: Sshd, folder: Path, *others: str, **options: float) -> HostsSite:
    """A site "north" of the host a and `others` behind one sshd: alpha on a, beta and gamma on the last."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("a", *others)
    hosts = {name: Host(name, server.address()) for name in names}
    processes = {
        "alpha": sleeper(folder, "alpha"),
        "beta": sleeper(folder, "beta", names[-1]),
        "gamma": sleeper(folder, "gamma", names[-1], autostart=False),
    }
    if server.site is not None:  # an sshd lets only so many sessions share one connection
        server.site.close()
    server.site = HostsSite("north", hosts, processes, **options)
    return server.site
