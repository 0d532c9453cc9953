"""A host that is lost: every packet between its processes and all others is dropped, and nobody is told.

The benchmark runs in a network of its own, of nothing but a loopback; what belongs to one host is told by its
control group. Packets within the host pass, as they do on a machine whose cable is pulled.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sites.drivers import command
from sites.errors import BlackstartError

_APART = "BLACKSTART_BENCHMARK_APART"
_GROUPS = Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")  # where the second version is; hybrid first
_MARK = "0x77"
_LIMIT_SECONDS = 20.0
_ENV = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}


def go_apart() -> None:
    """Begin this program anew in a network of its own. Without root it goes on in everybody's."""
    if os.environ.get(_APART) is None and os.geteuid() == 0:
        argv = ["unshare", "--net", "--", sys.executable, "-m", "benchmarks.failover", *sys.argv[1:]]
        os.execvpe(argv[0], argv, {**os.environ, _APART: "1"})  # noqa: S606 - ourselves
    if apart():
        command.run(["ip", "link", "set", "lo", "up"], limit_seconds=_LIMIT_SECONDS, env=_ENV)


def apart() -> bool:
    return os.environ.get(_APART) is not None


class Host:
    """What runs on one host. Without a network of our own there is nothing to be cut, and `cut` says so."""

    def __init__(self) -> None:
        self._group: Path | None = None
        if apart():
            groups = next(each for each in _GROUPS if (each / "cgroup.procs").exists())
            self._group = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir=groups))

    @contextmanager
    def members(self) -> Iterator[None]:
        """Whatever is started meanwhile is of this host, and so is what that starts."""
        if self._group is None:
            yield
            return
        before = _mine()
        _enter(self._group)
        try:
            yield
        finally:
            _enter(before)

    def cut(self) -> None:
        """Raises BlackstartError where that cannot be done."""
        if self._group is None:
            raise BlackstartError("no packets can be dropped: that needs root, for a network of its own")
        _nft(_rules(f'"{self._group.relative_to("/sys/fs/cgroup")}"'))

    def mend(self) -> None:
        _nft("delete table inet lost")

    def close(self) -> None:
        """For a host of which nothing is left."""
        if self._group is not None:
            self._group.rmdir()
            self._group = None


def _rules(group: str) -> str:
    """What a member sends is marked; marked and received by a member, or neither, passes."""
    member = f"socket cgroupv2 level 1 {group}"
    return (
        "table inet lost {\n"
        f"chain out {{ type filter hook output priority 0; {member} meta mark set {_MARK}; }}\n"
        "chain in { type filter hook input priority 0;\n"
        f"meta mark {_MARK} {member} accept\nmeta mark {_MARK} drop\n{member} drop\n}}\n}}\n"
    )


def _nft(said: str) -> None:
    """Raises BlackstartError."""
    command.run(["nft", "-f", "-"], input=said, limit_seconds=_LIMIT_SECONDS, env=_ENV)


def _mine() -> Path:
    groups = next(each for each in _GROUPS if (each / "cgroup.procs").exists())
    (told,) = (line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return groups / told.removeprefix("0::").lstrip("/")


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(f"{os.getpid()}\n")
