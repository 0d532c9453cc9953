"""S3 stores for tests: moto's server, and what it does not do as the real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from moto.s3 import models
from moto.s3.exceptions import AccessDeniedByLock
from moto.server import ThreadedMotoServer


@contextmanager
def moto_store() -> Iterator[str]:
    """Its address. It lets anybody shorten a compliance lock, which no real store does."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def refuse_shorter_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make moto keep a compliance lock as AWS does: it may be lengthened, and nothing else."""
    lenient = models.S3Backend.put_object_retention

    def strict(
        self: Any, bucket_name: str, key_name: str, version_id: str | None, retention: tuple[str, str]
    ) -> None:
        key = self.get_object(bucket_name, key_name, version_id=version_id)
        if key.lock_until and (retention[0] != key.lock_mode or retention[1] < key.lock_until):
            raise AccessDeniedByLock
        lenient(self, bucket_name, key_name, version_id, retention)

    monkeypatch.setattr(models.S3Backend, "put_object_retention", strict)


class FakeLyingStore(BaseHTTPRequestHandler):
    """Answers 200 to every lock and keeps none, as `rclone serve s3` does; it even claims versions."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if "retention" not in self.path:
            self.objects[self._key()] = body
        self._answer(b"", version="1")

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("x-amz-object-lock-mode", "COMPLIANCE")
        self.send_header("x-amz-object-lock-retain-until-date", "2999-01-01T00:00:00Z")
        self.end_headers()

    def do_GET(self) -> None:
        self._answer(self.objects[self._key()])

    def do_DELETE(self) -> None:
        self.objects.pop(self._key(), None)
        self._answer(b"")

    def _key(self) -> str:
        return self.path.partition("?")[0]

    def _answer(self, body: bytes, version: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if version:
            self.send_header("x-amz-version-id", version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def lying_store() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its address, and what it holds."""
    held: dict[str, bytes] = {}
    handler = type("Handler", (FakeLyingStore,), {"objects": held})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", held
    finally:
        server.shutdown()
        server.server_close()
