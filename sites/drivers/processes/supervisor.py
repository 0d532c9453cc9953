"""The first process of a site: starts what it is told to, reaps what has ended, and nothing else.

Where it can it is PID 1 of the site's own PID namespace, so that the kernel kills the whole site with it.
Else it is a "child subreaper": whoever loses its parent becomes its child, and can still be found.

    {"do": "start", "name", "command", "env", "cwd", "account": {uid, gid, groups} | null, "stop": any}
                      -> {"pid"}
    {"do": "list"}    -> {"instance", "processes": {name: {"pid", "stop"}}, "ended": {name: "exit 1"}}

One JSON line each way, one request a connection. An error is {"error": "..."}. Process numbers are those of
the namespace. Standard library only, single-threaded, asleep unless something happens.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import selectors
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from sites.drivers.processes.table import descendants

CONTROL = "control.sock"
LOGS = "logs"
LOG_BYTES_MAX = 16 << 20
_CLIENT_SECONDS = 5.0
_REQUEST_BYTES_MAX = 1 << 20
_PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    """Keeps the books of one site's processes. The current folder is the site's."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._running: dict[str, dict[str, Any]] = {}
        self._ended: dict[str, str] = {}

    def serve(self, until_fd: int | None) -> None:
        """Answer requests and reap. Returns on SIGTERM, or when the process behind `until_fd` is gone."""
        wake, ring = socket.socketpair()
        wake.setblocking(False)
        ring.setblocking(False)
        asked_to_end: list[int] = []
        signal.set_wakeup_fd(ring.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
        with selectors.DefaultSelector() as selector, _listen() as door:
            selector.register(door, selectors.EVENT_READ, "door")
            selector.register(wake, selectors.EVENT_READ, "wake")
            if until_fd is not None:
                selector.register(until_fd, selectors.EVENT_READ, "orphaned")
            while not asked_to_end:
                happened = {key.data for key, _ in selector.select()}
                if "orphaned" in happened:
                    return
                if "wake" in happened:
                    wake.recv(4096)
                self._reap()
                if "door" in happened:
                    self._attend(door)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name in [name for name, process in self._running.items() if process["pid"] == pid]:
                del self._running[name]
                code = os.waitstatus_to_exitcode(status)
                self._ended[name] = f"exit {code}" if code >= 0 else f"signal {-code}"

    def _attend(self, door: socket.socket) -> None:
        caller, _ = door.accept()
        with caller:
            caller.settimeout(_CLIENT_SECONDS)
            try:
                reply = self._answer(json.loads(_read_line(caller)))
            except (OSError, ValueError, KeyError, TypeError) as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            try:
                caller.sendall(json.dumps(reply).encode() + b"\n")
            except OSError:
                return  # the caller has gone; the books are as they are

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "start":
            return {"pid": self._start(request)}
        if request["do"] == "list":
            return {"instance": self._instance, "processes": self._running, "ended": self._ended}
        return {"error": f"nothing is known about {request['do']!r}"}

    def _start(self, request: dict[str, Any]) -> int:
        name = request["name"]
        if name not in self._running:
            pid = _launch(request)
            self._running[name] = {"pid": pid, "stop": request.get("stop")}
            self._ended.pop(name, None)
        return int(self._running[name]["pid"])


def _listen() -> socket.socket:
    """The name is relative, for a unix socket's path ends at 108 bytes."""
    Path(CONTROL).unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    door.bind(CONTROL)
    os.umask(before)
    door.listen(16)
    return door


def _read_line(caller: socket.socket) -> bytes:
    said = bytearray()
    while not said.endswith(b"\n"):
        chunk = caller.recv(1 << 16)
        if not chunk or len(said) > _REQUEST_BYTES_MAX:
            raise ValueError("the request did not end with a line end")
        said += chunk
    return bytes(said)


def _launch(request: dict[str, Any]) -> int:
    """Start one process in a session of its own. Raises OSError when it could not even begin."""
    log = _open_log(Path(LOGS) / f"{request['name']}.log")
    hear, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(request, log, tell)
    os.close(log)
    os.close(tell)
    with os.fdopen(hear) as trouble:
        said = trouble.read()  # ends without a word as soon as the program runs: the pipe is close-on-exec
    if said:
        raise OSError(said)
    return pid


def _become(request: dict[str, Any], log: int, tell: int) -> NoReturn:
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored_by_python, signal.SIG_DFL)
        if (who := request["account"]) is not None:
            os.setgroups(who["groups"])
            os.setgid(who["gid"])
            os.setuid(who["uid"])
        os.chdir(request["cwd"])
        os.execvpe(request["command"][0], request["command"], request["env"])  # noqa: S606  no shell is the point
    except BaseException as error:  # noqa: BLE001  whatever it was, it must be told and must not go on as a copy of us
        os.write(tell, str(error).encode())
    finally:
        os._exit(127)


def _open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)


def _adopt_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot become a child subreaper")


def _kill_the_rest() -> None:
    """Until none is left: each round may find children born since the last one."""
    while family := descendants(os.getpid()):
        for member in family:
            try:
                os.kill(member.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(-1, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="first process of a site")
    parser.add_argument("--instance", required=True)
    parser.add_argument("--until-fd", type=int)
    wanted = parser.parse_args()
    if wanted.until_fd is not None:
        os.set_inheritable(wanted.until_fd, False)
    if os.getpid() != 1:
        _adopt_orphans()
    Supervisor(wanted.instance).serve(wanted.until_fd)
    if os.getpid() != 1:
        _kill_the_rest()


if __name__ == "__main__":
    main()
