"""From each kind of site in a plan to its driver; secrets are looked up when one is made."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sites.capability import SiteDriver
from sites.drivers.barred import Barred, nothing_barred
from sites.drivers.hosts.address import SshAddress
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.script import HostProcess
from sites.drivers.hosts.site import HostsSite
from sites.drivers.processes.readiness import HttpReady, Readiness, TcpReady
from sites.drivers.processes.spec import ProcessSpec
from sites.drivers.shell_site import ShellProcess, ShellSite, SiteCommands
from sites.errors import PlanError
from sites.plan import ContainersSite as ContainersSiteNoun
from sites.plan import HostsSite as HostsSiteNoun
from sites.plan import HttpReady as HttpReadyNoun
from sites.plan import Process
from sites.plan import ShellSite as ShellSiteNoun
from sites.plan import TcpReady as TcpReadyNoun
from sites.secret import Secret

if TYPE_CHECKING:
    from sites.drivers.containers.site import ContainerSite

READY_SECONDS = 30.0
_LOOK_SECONDS = 10.0
# The daemon's proxy takes connections to a published port before anybody listens in the container.
PUBLISHED_HELD_SECONDS = 0.1


def resolved(declared: Mapping[str, str | Secret]) -> tuple[dict[str, str], dict[str, str]]:
    """Environment variables as (plain, secret), the secrets looked up. Raises PlanError."""
    plain = {key: value for key, value in declared.items() if isinstance(value, str)}
    secret = {key: value.resolve() for key, value in declared.items() if isinstance(value, Secret)}
    return plain, secret


def readiness(
    declared: HttpReadyNoun | TcpReadyNoun | None, *, held_seconds: float = 0.0
) -> Readiness | None:
    if declared is None:
        return None
    if declared.kind == "http":
        return HttpReady(declared.url)
    return TcpReady(f"{declared.host}:{declared.port}", held_seconds)


def process_spec(declared: Process) -> ProcessSpec:
    env, secret_env = resolved(declared.env)
    return ProcessSpec(
        command=declared.command,
        env=env,
        secret_env=secret_env,
        user=declared.user,
        cwd=declared.folder,
        ready=readiness(declared.ready),
        ready_seconds=declared.ready.limit.seconds if declared.ready else READY_SECONDS,
        stop_signal=signal.Signals[f"SIG{declared.stop_signal}"],
        stop_seconds=declared.stop_limit.seconds,
        pid_file=declared.pid_file,
        autostart=declared.autostart,
    )


def shell_site(
    name: str, declared: ShellSiteNoun, folder: Path, barred: Barred = nothing_barred
) -> ShellSite:
    """Its commands run in `folder`, the plan's."""
    env, secret_env = resolved(declared.env)
    commands = SiteCommands(
        start=declared.start,
        stop=declared.stop,
        kill=declared.kill,
        status=declared.status,
        fence=declared.fence,
        reachable=declared.reachable,
        env=env,
        secret_env=secret_env,
        cwd=folder,
        limit_seconds=declared.limit.seconds,
        kill_seconds=declared.kill_limit.seconds,
    )
    processes = {
        each: ShellProcess(
            ready=readiness(process.ready),
            ready_seconds=process.ready.limit.seconds if process.ready else READY_SECONDS,
            autostart=process.autostart,
        )
        for each, process in declared.processes.items()
    }
    return ShellSite(name, commands, processes, barred)


def container_site(
    name: str,
    declared: ContainersSiteNoun,
    plan: str,
    folder: Path,
    barred: Barred = nothing_barred,
) -> ContainerSite:
    """`folder` is where its record is kept. Docker's SDK is loaded only here, for it takes a while."""
    from sites.drivers.containers.daemon import Daemon
    from sites.drivers.containers.site import ContainerSite, ContainerSpec

    specs = {
        each: ContainerSpec(
            ready=readiness(process.ready, held_seconds=PUBLISHED_HELD_SECONDS),
            ready_seconds=process.ready.limit.seconds if process.ready else READY_SECONDS,
            stop_seconds=process.stop_limit.seconds,
            autostart=process.autostart,
        )
        for each, process in declared.processes.items()
    }
    label = declared.label or f"{plan}/{name}"
    return ContainerSite(name, folder, label, specs, Daemon(declared.daemon), barred)


def hosts_site(name: str, declared: HostsSiteNoun, barred: Barred = nothing_barred) -> HostsSite:
    hosts = {each: Host(each, _ssh_address(declared, each)) for each in declared.hosts}
    processes = {
        each: HostProcess(
            host=declared.host_of(each) or "",
            unit=process.unit,
            start=process.start,
            stop=process.stop,
            kill=process.kill,
            status=process.status,
            ready=readiness(process.ready),
            ready_seconds=process.ready.limit.seconds if process.ready else READY_SECONDS,
            autostart=process.autostart,
        )
        for each, process in declared.processes.items()
    }
    return HostsSite(
        name,
        hosts,
        processes,
        act_seconds=declared.start_limit.seconds,
        ask_seconds=declared.ssh.limit.seconds,
        kill_seconds=declared.kill_limit.seconds,
        cut_seconds=declared.cut_limit.seconds,
        barred=barred,
    )


def hosts_of(site: SiteDriver) -> dict[str, Host]:
    """The machines of a site of hosts, with the connections that it keeps to them. Raises PlanError."""
    if not isinstance(site, HostsSite):
        raise PlanError(f'site "{site.name}" is not made of hosts')
    return site.hosts


def file_on(host: Host, path: PurePosixPath, *, without: str) -> bool:
    """Whether there is such a file on a machine, and those words are not in it. Raises HostError."""
    where = shlex.quote(str(path))
    line = f"test -e {where} && ! grep -qsF {shlex.quote(without)} {where} && say there || say missing"
    return host.run("look at", line, limit_seconds=_LOOK_SECONDS) == ["there"]


def _ssh_address(declared: HostsSiteNoun, host: str) -> SshAddress:
    ssh, at = declared.ssh, declared.hosts[host]
    return SshAddress(
        at.address,
        port=at.port,
        user=ssh.user,
        key=ssh.key,
        known_hosts=ssh.known_hosts,
        config=ssh.config,
        sudo=ssh.sudo,
        connect_seconds=max(1, round(ssh.connect_limit.seconds)),
    )
