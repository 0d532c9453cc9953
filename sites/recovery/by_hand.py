"""What a person types to do what a driver does, from the plan alone. Secrets are named, never shown."""

from __future__ import annotations

import shlex

from sites.plan import PowerOff, Process, ShellSite, Site


def start(name: str, site: Site, process: str) -> str:
    """Start one process of a site."""
    if site.kind == "shell":
        return _of_shell(name, site, process, site.start)
    if site.kind == "processes" and process in site.processes:
        return f"{_command(site.processes[process])}   # at site {name}"
    return f"start {process} at site {name}"


def stop(name: str, site: Site, process: str) -> str:
    """Stop one process of a site."""
    if site.kind == "shell":
        return _of_shell(name, site, process, site.stop)
    if site.kind == "processes" and process in site.processes:
        declared = site.processes[process]
        told = shlex.quote(shlex.join(declared.command))
        return f"pkill -{declared.stop_signal} -xf {told}   # at site {name}, and see that it has ended"
    return f"stop {process} at site {name}"


def fence(name: str, site: Site, power_off: PowerOff | None) -> str:
    """Keep a whole site from taking writes."""
    lines = []
    if site.kind == "shell" and site.fence is not None:
        lines.append(_of_shell(name, site, "", site.fence))
    if power_off is not None:
        told = f"BLACKSTART_SITE={shlex.quote(name)}"
        lines += [
            f"{told} {shlex.join(power_off.command)}",
            f"{told} {shlex.join(power_off.confirm)}   # exits 0 once it is off",
        ]
    return "\n".join(lines) or f"power off site {name}, and see that it is off"


def _of_shell(name: str, site: ShellSite, process: str, argv: tuple[str, ...]) -> str:
    told = f"BLACKSTART_SITE={shlex.quote(name)}"
    which = f" BLACKSTART_PROCESS={shlex.quote(process)}" if process else ""
    secrets = "".join(f" {key}=..." for key, value in site.env.items() if not isinstance(value, str))
    return f"{told}{which}{secrets} {shlex.join(argv)}"


def _command(process: Process) -> str:
    env = [
        f"{key}={shlex.quote(value) if isinstance(value, str) else '...'}"
        for key, value in process.env.items()
    ]
    words = [*env, shlex.join(process.command)]
    line = " ".join(words)
    if process.folder is not None:
        line = f"cd {shlex.quote(str(process.folder))} && {line}"
    return f"sudo -u {process.user} sh -c {shlex.quote(line)}" if process.user else line
