"""What a person types to do what a driver does, from the plan alone, so that it can be pasted as it stands.

It is for the shell of the machine on which blackstart would run, as the account that would run it. Secrets
are looked up where the plan says, by the pasted line itself, and go into the environment of one program. A
program is told to end by its number alone: it is found by its log, which no other writes to.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from sites.plan import HostsSite, Plan, PowerOff, Process, ProcessesSite, ShellSite, Site
from sites.plan.containers_site import ContainersSite
from sites.secret import Secret

Env = Mapping[str, str | Secret]
THEN = " &&\n"
_PARENT = r"sed -n 's/^PPid:[[:space:]]*//p' $p/status"
_BOOT = "/proc/sys/kernel/random/boot_id"


def secret(found: Secret) -> str:
    """The word of a shell that stands for a secret: where it is, never what it is."""
    if found.file is not None:
        return f'"$(cat {shlex.quote(str(found.file))})"'
    if found.env is not None:
        return f'"${found.env}"'
    return f'"$({shlex.join(found.command or ())})"'


def with_env(env: Env, line: str) -> str:
    """A command line, with these set for it alone."""
    words = [
        f"{key}={secret(value) if isinstance(value, Secret) else shlex.quote(value)}"
        for key, value in env.items()
    ]
    return " ".join([*words, line])


def told(folder: Path, env: Env, argv: tuple[str, ...]) -> str:
    """One of the user's own commands: it runs in the plan's folder."""
    return f"(cd {shlex.quote(str(folder))} && {with_env(env, shlex.join(argv))})"


def as_user(user: str | None, line: str) -> str:
    """What a driver does as another user, it does only as root."""
    return f"runuser -u {shlex.quote(user)} -- {line}" if user and os.geteuid() == 0 else line


def start(plan: Plan, name: str, process: str) -> str:
    """Start one process of a site."""
    site = plan.sites[name]
    if isinstance(site, ShellSite):
        return _of_shell(plan, name, process, site.start)
    if isinstance(site, HostsSite):
        return _on_host(site, process, site.processes[process].start, "start")
    if isinstance(site, ProcessesSite):
        return f"{_launched(site, process)}{_once_ready(site.processes[process])}"
    return _container(plan, name, process, "start")


def stop(plan: Plan, name: str, process: str) -> str:
    """Stop one process of a site, and wait until it has ended."""
    site = plan.sites[name]
    if isinstance(site, ShellSite):
        return _of_shell(plan, name, process, site.stop)
    if isinstance(site, HostsSite):
        return _on_host(site, process, site.processes[process].stop, "stop")
    if isinstance(site, ProcessesSite):
        number = site.processes[process].stop_signal
        none = shlex.quote(f"{process} does not run at site {name}")
        end = f"then kill -{number} $pid && tail --pid=$pid -f /dev/null; else echo {none}; fi"
        return f'{_found(site, process)}; if [ -n "$pid" ]; {end}'
    return _container(plan, name, process, "stop")


def fence(plan: Plan, name: str, power_off: PowerOff | None) -> str:
    """Keep a whole site from taking writes."""
    lines = _killed_whole(plan, name, plan.sites[name])
    if power_off is not None:
        env: Env = {"BLACKSTART_SITE": name, **power_off.env}
        lines += [
            told(plan.folder, env, power_off.command),
            f"{told(plan.folder, env, power_off.confirm)}   # exits 0 once it is off",
        ]
    return "\n".join(lines) or f"# power off site {name}, and see that it is off"


def _killed_whole(plan: Plan, name: str, site: Site) -> list[str]:
    if isinstance(site, ShellSite):
        return _killed_by_command(plan, name, site)
    if isinstance(site, HostsSite):
        return [_on_host(site, each, process.kill, "kill") for each, process in site.processes.items()]
    if isinstance(site, ProcessesSite):
        return [_killed(site)] if site.processes else []
    return [_container(plan, name, each, "kill") for each in site.processes]


def _killed_by_command(plan: Plan, name: str, site: ShellSite) -> list[str]:
    """By its fence; without one by its kill, which is believed once its status lists nothing, to the end."""
    if site.fence is not None:
        return [_of_shell(plan, name, "", site.fence)]
    status = (
        f"{_of_shell(plan, name, '', site.status)} | grep -xE ' *END +0 *'   # says END 0, and nothing else"
    )
    return [_of_shell(plan, name, "", site.kill), status]


def _of_shell(plan: Plan, name: str, process: str, argv: tuple[str, ...]) -> str:
    site = plan.sites[name]
    named = {"BLACKSTART_SITE": name, "BLACKSTART_PROCESS": process}
    return told(plan.folder, {**(site.env if isinstance(site, ShellSite) else {}), **named}, argv)


def _log(site: ProcessesSite, process: str) -> str:
    return shlex.quote(str(site.path / "logs" / f"{process}.log"))


def _launched(site: ProcessesSite, process: str) -> str:
    declared, log = site.processes[process], _log(site, process)
    folder = shlex.quote(str(declared.folder or site.path))
    run = with_env(declared.env, "nohup " + as_user(declared.user, shlex.join(declared.command)))
    logs = shlex.quote(str(site.path / "logs"))
    return f"(mkdir -p {logs} && cd {folder} && {{ {run} < /dev/null >> {log} 2>&1 & }})"


def _once_ready(declared: Process) -> str:
    if declared.ready is None:
        return ""
    at = (
        declared.ready.url
        if declared.ready.kind == "http"
        else f"{declared.ready.host}:{declared.ready.port}"
    )
    return f"   # it is ready once {at} answers"


def _found(site: ProcessesSite, process: str) -> str:
    """The number of a process: the first of all those whose output goes to its log."""
    log = _log(site, process)
    mine, theirs = "$(readlink $p/fd/1)", f"$(readlink /proc/$({_PARENT})/fd/1)"
    test = f'[ "{mine}" = {log} ] && [ "{theirs}" != {log} ] && echo ${{p#/proc/}}'
    return f"pid=$(for p in /proc/[0-9]*; do {test}; done 2> /dev/null)"


def _killed(site: ProcessesSite) -> str:
    """First the one that all of them belong to, if what is written of it is of now; then whoever is left."""
    record, folder = shlex.quote(str(site.path / "site.json")), shlex.quote(str(site.path))
    first = f"""pid=$(sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p' {record})"""
    of_now = (
        f'grep -q "$(cat {_BOOT})" {record} && [ "$(readlink /proc/$pid/cwd)" = {folder} ] && kill -KILL $pid'
    )
    logs = shlex.quote(f"{site.path}/logs/")
    left = f'case "$(readlink $p/fd/1 2> /dev/null)" in {logs}*) kill -KILL ${{p#/proc/}};; esac'
    return f"{first}; {of_now}; for p in /proc/[0-9]*; do {left}; done"


def _on_host(site: HostsSite, process: str, own: tuple[str, ...] | None, act: str) -> str:
    there = shlex.join(own) if own else _by_systemd(act, shlex.quote(site.processes[process].unit or process))
    return over_ssh(site, process, f"sudo -n {there}" if site.ssh.sudo else there)


def over_ssh(site: HostsSite, process: str, there: str) -> str:
    """A line of shell, done on the host of a process."""
    ssh, host = site.ssh, site.hosts[site.host_of(process) or ""]
    words = [
        "ssh",
        *(["-F", str(ssh.config)] if ssh.config else []),
        *(["-i", str(ssh.key)] if ssh.key else []),
    ]
    words += ["-o", f"UserKnownHostsFile={ssh.known_hosts}"] if ssh.known_hosts else []
    words += ["-p", str(host.port)] if host.port else []
    words += ["-l", ssh.user] if ssh.user else []
    return shlex.join([*words, host.address, there])


def _by_systemd(act: str, unit: str) -> str:
    """A stop after a kill takes back the restart that systemd may have planned."""
    if act != "kill":
        return f"systemctl {act} {unit}"
    return shlex.join(["sh", "-c", f"systemctl kill --signal=KILL {unit}; systemctl stop {unit}"])


def _container(plan: Plan, name: str, process: str, act: str) -> str:
    site = plan.sites[name]
    label = (site.label if isinstance(site, ContainersSite) else None) or f"{plan.name}/{name}"
    daemon = site.daemon if isinstance(site, ContainersSite) else None
    docker = f"docker -H {shlex.quote(daemon)}" if daemon else "docker"
    labels = f"label=blackstart.site={label}", f"label=blackstart.process={process}"
    which = " ".join(f"--filter {shlex.quote(each)}" for each in labels)
    return f"{docker} {act} $({docker} ps -aq {which})"
