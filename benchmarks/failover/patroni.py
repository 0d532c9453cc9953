"""Patroni with etcd, as examples/observe_patroni builds it; both nodes take turns in leading."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.failover.clients import EXAMPLE
from benchmarks.failover.contest import FAULTS, Fault, Stage
from benchmarks.failover.lost import Host
from sites.drivers.processes.site import ProcessSite

sys.path.append(str(EXAMPLE.parent / "trading_desk"))

from cluster import FAST, NODES, SLOW, Cluster, build, install
from ports import free_ports

PROGRAMS = Path("/var/tmp/blackstart-patroni")  # noqa: S108 - where PostgreSQL's user can read it; see own()


class Patroni:
    """One cluster for all rounds: the node that was lost is started again and becomes the standby."""

    faults = FAULTS

    def __init__(self, name: str, *, shortest: bool) -> None:
        self.name = name
        self._timing = FAST if shortest else SLOW
        self._cluster: Cluster | None = None
        self._hosts: dict[str, Host] = {}

    @property
    def setting(self) -> str:
        return "asynchronous; " + ", ".join(f"{key} {value}" for key, value in self._timing.items())

    @contextmanager
    def stage(self, fault: Fault) -> Iterator[Stage]:
        del fault
        cluster = self._up()
        leader = cluster.leader()
        assert leader is not None
        other = next(node for node in NODES if node != leader)

        def act(fault: Fault) -> None:
            if fault == "switchover":
                cluster.switch_over(leader, other)

        old, new = (int(cluster.variables[f"{NODES[node]}_PORT"]) for node in (leader, other))
        site = cluster.estate().processes(leader)
        host = self._hosts[leader]
        yield Stage(site, host, old, new, (cluster.folder / "password").read_text(), cluster.folder, act)
        self._again(site, host)

    def _again(self, site: ProcessSite, host: Host) -> None:
        cluster = self._up()
        if site.proven_gone().holds:
            with host.members():
                site.up()
        cluster.wait_until_in_step()

    def _up(self) -> Cluster:
        if self._cluster is None:
            ready()
            folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
            folder.chmod(0o755)
            self._cluster = build(folder, PROGRAMS, folder / "evidence", free_ports(6), self._timing)
            self._hosts = {node: Host() for node in NODES}
            self._cluster.up(lambda node: self._hosts[node].members())
        return self._cluster

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.down()
            for host in self._hosts.values():
                host.close()
            shutil.rmtree(self._cluster.folder, ignore_errors=True)
            self._cluster = None


def ready() -> None:
    """What it runs is there. Raises BlackstartError."""
    PROGRAMS.mkdir(mode=0o755, exist_ok=True)
    install(PROGRAMS)
