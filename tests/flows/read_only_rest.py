"""A REST server for a restic repository that lets nobody write: what credentials get that only read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class FakeReadOnlyRest(BaseHTTPRequestHandler):
    """Version 1 of restic's protocol. `tried` has every request that would have changed something."""

    protocol_version = "HTTP/1.1"
    root: Path
    tried: list[str]

    def do_GET(self) -> None:
        parts = [part for part in self.path.partition("?")[0].split("/") if part]
        if len(parts) == 1 and parts[0] != "config":
            names = [path.name for path in (self.root / parts[0]).rglob("*") if path.is_file()]
            return self._answer(200, json.dumps(names).encode())
        path = self.root.joinpath(*parts)
        if parts[0] == "data":
            path = self.root / "data" / parts[1][:2] / parts[1]
        if not path.is_file():
            return self._answer(404, b"")
        content, wanted = path.read_bytes(), self.headers.get("Range")
        if wanted is None:
            return self._answer(200, content)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        return self._answer(206, content[int(first) : int(last) + 1 if last else None])

    do_HEAD = do_GET  # noqa: N815  the name that the server looks for

    def do_POST(self) -> None:
        self.tried.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(403, b"")

    do_DELETE = do_PUT = do_POST  # noqa: N815  the same

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def read_only(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The repository's URL for restic, and the attempts to write."""
    tried: list[str] = []
    handler = type("Handler", (FakeReadOnlyRest,), {"root": root, "tried": tried})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"rest:http://127.0.0.1:{server.server_address[1]}/", tried
    finally:
        server.shutdown()
        server.server_close()
