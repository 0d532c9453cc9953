"""A user's own commands for a site of sleeping processes, as a small script of theirs would be."""

from __future__ import annotations

from pathlib import Path

from sites.drivers.shell_site import ShellProcess, ShellSite, SiteCommands

SCRIPT = """
cd "$1"; name=$BLACKSTART_PROCESS
alive() {
  read -r pid 2>/dev/null <"$1" && read -r _ _ state _ 2>/dev/null <"/proc/$pid/stat" && [ "$state" != Z ]
}
case $2 in
start) alive "$name.pid" || { setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $! >"$name.pid"; } ;;
stop) alive "$name.pid" && kill "$pid"; while alive "$name.pid"; do sleep 0.01; done ;;
kill) for each in ${name:-*}.pid; do alive "$each" && kill -9 "$pid"; done; : ;;
status)
  for each in *.pid; do alive "$each" && { echo "${each%.pid} $pid"; count=$((count + 1)); }; done
  echo "END ${count:-0}" ;;
esac
"""


def shell_site(folder: Path, **options: object) -> ShellSite:
    """A site "north" with alpha and beta, started with it, and gamma, started when asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    words = {act: ("sh", "-c", SCRIPT, "sh", str(folder), act) for act in ("start", "stop", "kill", "status")}
    commands = SiteCommands(**{**words, "limit_seconds": 10.0, **options})  # type: ignore[arg-type]
    processes = {"alpha": ShellProcess(), "beta": ShellProcess(), "gamma": ShellProcess(autostart=False)}
    return ShellSite("north", commands, processes)
