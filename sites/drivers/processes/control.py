"""Start a site's supervisor and talk to it."""

from __future__ import annotations

import functools
import json
import os
import socket
import struct
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sites
from sites.drivers import command
from sites.drivers.processes import table as processes
from sites.drivers.processes.record import SiteRecord, own_namespace
from sites.drivers.processes.supervisor import CONTROL, LOGS
from sites.errors import CommandError, MissingProgram, SiteError

_IN_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
# Without root a PID namespace can be had inside a user namespace, where the kernel allows those.
_AS_USER = ("--user", "--map-current-user")
_BEGIN = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from sites.drivers.processes.supervisor import main; main()"
)
_REPLY_SECONDS = 10.0
_MEET_SECONDS = 5.0
_POLL_SECONDS = 0.002


def namespaces_work() -> bool:
    """Whether we may give a site a PID namespace of its own."""
    return bool(_into_namespace())


@functools.cache
def _into_namespace() -> tuple[str, ...]:
    """The command that does it; empty if none does. Tried, not guessed."""
    argv = (*_IN_NAMESPACE, *(() if os.geteuid() == 0 else _AS_USER), "--")
    try:
        command.run([*argv, "true"], limit_seconds=10)
    except (CommandError, MissingProgram):
        return ()
    return argv


def raise_supervisor(
    folder: Path, *, namespace: bool, until_pid: int | None, limit_seconds: float, network: bool = False
) -> SiteRecord:
    """Start the supervisor of a site whose folder exists and that is not up. Raises SiteError.

    `network`: in a network namespace that nothing leads to yet.
    """
    instance = str(uuid.uuid4())
    log = folder / LOGS / "supervisor.log"
    # -I and -S: neither the environment nor site-packages can change what PID 1 runs, and it starts in 30 ms
    python = [sys.executable, "-I", "-S", "-c", _BEGIN, str(Path(sites.__file__).parents[1])]
    alone = ["unshare", "--net", "--"] if network else []
    argv = [*alone, *(_into_namespace() if namespace else ()), *python, "--instance", instance]
    fds = []
    if until_pid is not None:
        fds.append(os.pidfd_open(until_pid))
        argv += ["--until-fd", str(fds[0])]
    try:
        command.spawn(
            argv,
            cwd=folder,
            stdout=log,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            inherit_env=False,
            pass_fds=fds,
        )
    finally:
        for fd in fds:
            os.close(fd)
    deadline = time.monotonic() + limit_seconds
    while (record := meet(folder)) is None or record.instance != instance:
        if time.monotonic() > deadline:
            raise SiteError(
                f"the supervisor of {folder} did not answer within {limit_seconds:g} s", hint=f"see {log}"
            )
        time.sleep(_POLL_SECONDS)
    record.save(folder)
    return record


def meet(folder: Path) -> SiteRecord | None:
    """Who supervises the site right now, by asking; None if nobody answers."""
    try:
        with _connect(folder, _MEET_SECONDS) as line:
            pid = _peer(line)
            found, inode = processes.entry(pid), processes.namespace(pid)
            instance = _exchange(line, {"do": "list"})["instance"]
    except (OSError, ValueError):
        return None
    if found is None or inode is None:
        return None
    own = own_namespace()
    return SiteRecord(
        instance=instance,
        boot=processes.boot_id(),
        pid=pid,
        start_ticks=found.start_ticks,
        namespace=inode if inode != own else None,
        observer=own,
        folder=str(folder),
        utc=datetime.now(UTC).isoformat(),
    )


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """One request to a site's supervisor. Raises SiteError with its answer when that is an error."""
    try:
        with _connect(folder, _REPLY_SECONDS) as line:
            reply = _exchange(line, request)
    except (OSError, ValueError) as error:
        raise SiteError(f"the supervisor of {folder} does not answer: {error}") from error
    if "error" in reply:
        raise SiteError(str(reply["error"]))
    return reply


def _connect(folder: Path, limit_seconds: float) -> socket.socket:
    """By way of /proc/self/fd, for a unix socket's path ends at 108 bytes and folders do not."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(limit_seconds)
    try:
        line.connect(f"/proc/self/fd/{fd}/{CONTROL}")
    except OSError:
        line.close()
        raise
    finally:
        os.close(fd)
    return line


def _peer(line: socket.socket) -> int:
    """The number of the process at the other end, as seen from here, whatever its namespace."""
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)


def _exchange(line: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    line.sendall(json.dumps(request).encode() + b"\n")
    with line.makefile("rb") as answer:
        reply: dict[str, Any] = json.loads(answer.readline())
    return reply
