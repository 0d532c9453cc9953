"""A Docker daemon whose containers exist only in memory: the real SDK talks to it over a real socket.

It answers as the real one does what the container driver asks of it. `nft` inside a container keeps
one table. What it adds is a way to go wrong on purpose: SIGKILL leaves an `immortal` container alive.
"""

from __future__ import annotations

import itertools
import json
import re
import struct
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_NEVER = "0001-01-01T00:00:00Z"
_ACT = re.compile(r"/containers/(\w+)(?:/(\w+))?")
_numbers = itertools.count(200_000)


@dataclass
class Kept:
    """One container in memory."""

    name: str
    labels: dict[str, str]
    immortal: bool = False
    restart: str = "no"
    network_mode: str = "north"
    tools: bool = True
    id: str = field(default_factory=lambda: uuid.uuid4().hex * 2)
    state: str = "created"
    pid: int = 0
    started: str = _NEVER
    cut: str | None = None
    argv: list[str] = field(default_factory=list)
    code: int = 0
    said: str = ""

    def told(self) -> dict[str, Any]:
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Image": "sha256:beef",
            "State": {"Status": self.state, "Pid": self.pid, "StartedAt": self.started},
            "Config": {"Labels": self.labels, "Image": "fake:0", "Tty": False},
            "HostConfig": {"RestartPolicy": {"Name": self.restart}, "NetworkMode": self.network_mode},
            "NetworkSettings": {"Networks": {"north": {"IPAddress": "10.9.0.2"}}, "Ports": {}},
        }


class FakeDocker:
    """The containers, and what may be done to them. `calls` is what was asked for."""

    def __init__(self, *containers: Kept) -> None:
        self.containers = {one.id: one for one in containers}
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        with self._lock:
            if path == "/version":
                versions = {"ApiVersion": "1.41", "MinAPIVersion": "1.12"}
                return 200, versions | {"Version": "20.10.24", "KernelVersion": "6.1.0"}
            if path == "/containers/json":
                wanted = json.loads(query["filters"][0])["label"][0].partition("=")
                return 200, [{"Id": one.id} for one in self.containers.values() if _carries(one, wanted)]
            if path == "/containers/create":
                return self._create(body)
            found = _ACT.fullmatch(path)
            one = self.containers.get(found[1]) if found else None
            if found is None or one is None:
                return 404, {"message": f"no such container: {path}"}
            if method == "DELETE":
                return 204, self.containers.pop(one.id) and b""
            if method == "GET":
                return 200, one.told() if found[2] == "json" else _framed(one.said)
            self.calls.append(f"{found[2]} {one.name}")
            return self._act(one, found[2])

    def _create(self, body: Any) -> tuple[int, Any]:
        """What runs beside a container has no label, and its program is `nft`."""
        made = Kept("beside", {}, argv=body["Entrypoint"], network_mode=body["HostConfig"]["NetworkMode"])
        self.calls.append(f"create {' '.join(made.argv)}")
        self.containers[made.id] = made
        return 201, {"Id": made.id}

    def _act(self, one: Kept, act: str) -> tuple[int, Any]:
        alive = one.state in ("running", "paused", "restarting")
        if act == "start" and one.argv:
            one.state, one.code, one.said = "exited", *self._nft(one)
        elif act == "start" and not alive:
            one.state, one.pid, one.cut = "running", next(_numbers), None
            one.started = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        elif act in ("stop", "kill") and alive:
            if act == "stop" or not one.immortal:
                one.state, one.pid, one.cut = "exited", 0, None
        elif act == "pause" and one.state == "running":
            one.state = "paused"
        elif act == "unpause" and one.state == "paused":
            one.state = "running"
        elif act == "wait":
            return 200, {"StatusCode": one.code}
        elif act in ("pause", "unpause", "kill"):
            return 500, {"message": f"container {one.name} is {one.state}"}
        return 204, b""

    def _nft(self, beside: Kept) -> tuple[int, str]:
        """Its exit code and what it says, done to the container whose network it is in."""
        one, script = self.containers[beside.network_mode.partition(":")[2]], beside.argv[1]
        if not one.tools:
            return 127, "nft: not found"
        if script.startswith("add table"):
            one.cut = script
        elif script.endswith("blackstart_cut") and one.cut is None:
            return 1, "Error: No such file or directory"
        elif script.startswith("delete table"):
            one.cut = None
        return 0, ""


def _framed(said: str) -> bytes:
    """As the daemon sends what a program said on its standard output."""
    return struct.pack(">BxxxL", 1, len(said)) + said.encode()


def _carries(one: Kept, wanted: tuple[str, str, str]) -> bool:
    return one.labels.get(wanted[0]) == wanted[2]


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serving(fake: FakeDocker, socket: Path) -> Iterator[str]:
    """The address at which the fake answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "unix"

        def log_message(self, *_: object) -> None:
            return

        def _answer(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            path = re.sub(r"^/v[\d.]+", "", unquote(url.path))
            status, told = fake.answer(self.command, path, parse_qs(url.query), body)
            content = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - so does the standard library call them

    with _Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
            thread.join()
