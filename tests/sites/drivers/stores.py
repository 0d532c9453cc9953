"""S3 stores for tests: moto's server, and what it does not do as the real ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
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


def s3_client(address: str, keys: tuple[str, str] = ("access", "planted")) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
    )


@contextmanager
def witness_store() -> Iterator[str]:
    """The same, with the bucket `witness` made."""
    with moto_store() as address:
        s3_client(address).create_bucket(Bucket="witness")
        yield address


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


@dataclass
class Version:
    body: bytes
    mode: str | None
    until: datetime


class FakeVersionedStore(BaseHTTPRequestHandler):
    """Versions with locks that it keeps or only shows, and a policy that may deny what could break one.

    moto knows no bucket policies and no default lock.
    """

    protocol_version = "HTTP/1.1"
    versions: dict[tuple[str, str], Version]
    keeps_locks: bool
    denies_deletes: bool
    locks_all: bool

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        key, version = self._named()
        if "retention" in self.path:
            until = datetime.fromisoformat(re.findall(rb"<RetainUntilDate>(.*?)<", body)[0].decode())
            found = self.versions[key, version]
            if until < found.until and (self.keeps_locks or self.denies_deletes):
                return self._answer(403, _DENIED)
            found.until = until
            return self._answer(200)
        mode = self.headers["x-amz-object-lock-mode"] or ("COMPLIANCE" if self.locks_all else None)
        asked = self.headers["x-amz-object-lock-retain-until-date"]
        until = datetime.fromisoformat(asked) if asked else datetime.now(UTC) + timedelta(days=1)
        version = str(len(self.versions) + 1)
        self.versions[key, version] = Version(body, mode, until)
        return self._answer(200, **{"x-amz-version-id": version})

    def do_HEAD(self) -> None:
        found = self.versions[self._named()]
        lock = {
            "x-amz-object-lock-mode": found.mode or "",
            "x-amz-object-lock-retain-until-date": found.until.isoformat(),
        }
        self._answer(200, **(lock if found.mode else {}))

    def do_GET(self) -> None:
        self._answer(200, self.versions[self._named()].body)

    def do_DELETE(self) -> None:
        key, version = self._named()
        if version:
            found = self.versions[key, version]
            kept = self.keeps_locks and found.mode and found.until > datetime.now(UTC)
            if kept or self.denies_deletes:
                return self._answer(403, _DENIED)
            del self.versions[key, version]
        return self._answer(204)

    def _named(self) -> tuple[str, str]:
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query).get("versionId", [""])[0]

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextmanager
def versioned_store(
    *, keeps_locks: bool, denies_deletes: bool = False, locks_all: bool = False
) -> Iterator[str]:
    """Its address. Without keeping its locks it shows them all the same."""
    does = {"keeps_locks": keeps_locks, "denies_deletes": denies_deletes, "locks_all": locks_all}
    with _served(type("Handler", (FakeVersionedStore,), {"versions": {}, **does})) as address:
        yield address


@contextmanager
def lying_store() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its address, and what it holds."""
    held: dict[str, bytes] = {}
    with _served(type("Handler", (FakeLyingStore,), {"objects": held})) as address:
        yield address, held


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
