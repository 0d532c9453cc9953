"""Repositories of the real restic for tests, and ways of doing harm to them.

The key of these repositories is cheap to derive, which saves half a second a call: restic picks scrypt's cost
when it makes a repository and records it in the key file. That file is rewritten with the lowest cost.
Nothing else of the repository changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from sites.drivers.restic.repository import Restic

Make = Callable[..., Restic]
# Debian 13's restic, beside the machine's own; `scripts/second-restic` unpacks it
SECOND = Path(__file__).resolve().parents[2] / "build/restic-0.18/usr/bin/restic"
_UNPACKED = pytest.mark.skipif(not SECOND.exists(), reason="scripts/second-restic was not run")
TWO_REAL_ONES = [
    "restic",
    pytest.param(str(SECOND), id="restic-0.18", marks=[pytest.mark.campaign, _UNPACKED]),
]
PASSWORD = "planted-secret-of-the-repository"
_IV_BYTES = _TAG_BYTES = 16


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def lock_holder(repository: Restic, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """A restic that holds a lock for as long as its input stays open."""
    argv = [*before, repository.binary, "-r", repository.url, "--no-cache", "backup", "--stdin"]
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
    locks = Path(repository.url, "locks")
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            # A lock is there once it has its whole name; before, it is being written.
            wait_until(lambda: [path for path in locks.iterdir() if len(path.name) == 64])
            yield process
        finally:
            process.kill()


def leave_dead_lock(repository: Restic, *before: str) -> None:
    with lock_holder(repository, *before) as process:
        process.kill()
        process.wait()


def packs(repository: Restic) -> list[Path]:
    """The packs that hold file data, the largest first."""
    found = [path for path in Path(repository.url, "data").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_size, reverse=True)


def flip(path: Path, at: int | None = None) -> None:
    """Turn eight bytes over, in the middle unless told where."""
    content = bytearray(path.read_bytes())
    start = len(content) // 2 if at is None else at
    content[start : start + 8] = bytes(byte ^ 0xFF for byte in content[start : start + 8])
    path.chmod(0o600)
    path.write_bytes(content)


def lose(pack: Path) -> None:
    pack.unlink()


def cut(pack: Path) -> None:
    pack.chmod(0o600)
    os.truncate(pack, pack.stat().st_size // 2)


def empty(pack: Path) -> None:
    """Nothing of it is left, and whatever restic wants of it begins beyond its end."""
    pack.chmod(0o600)
    os.truncate(pack, 0)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def make_template(folder: Path) -> Path:
    """A new, empty repository below `folder`, to be copied for each test."""
    url = folder / "template"
    Restic("template", str(url), lambda: PASSWORD, cache="none").init()
    _cheapen(url)
    return url


def _cheapen(repository_folder: Path) -> None:
    for key_file in (repository_folder / "keys").iterdir():
        key = json.loads(key_file.read_text())
        content = _open(key, base64.b64decode(key["data"]))
        cheap = {**key, "N": 2, "r": 8, "p": 1}
        iv = secrets.token_bytes(_IV_BYTES)
        cheap["data"] = base64.b64encode(_seal(cheap, iv, content)).decode()
        written = json.dumps(cheap).encode()
        key_file.unlink()
        (key_file.parent / hashlib.sha256(written).hexdigest()).write_bytes(written)


def _derived(key: dict[str, Any]) -> bytes:
    salt = base64.b64decode(key["salt"])
    return hashlib.scrypt(
        PASSWORD.encode(), salt=salt, n=key["N"], r=key["r"], p=key["p"], maxmem=1 << 30, dklen=64
    )


def _encrypted(derived: bytes, iv: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(iv)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _authenticated(derived: bytes, iv: bytes) -> Poly1305:
    block = Cipher(algorithms.AES(derived[32:48]), modes.ECB()).encryptor()  # noqa: S305  one block, as Poly1305-AES has it
    return Poly1305(derived[48:] + block.update(iv) + block.finalize())


def _open(key: dict[str, Any], sealed: bytes) -> bytes:
    derived, iv, text = _derived(key), sealed[:_IV_BYTES], sealed[_IV_BYTES:-_TAG_BYTES]
    mac = _authenticated(derived, iv)
    mac.update(text)
    mac.verify(sealed[-_TAG_BYTES:])
    return _encrypted(derived, iv, text)


def _seal(key: dict[str, Any], iv: bytes, content: bytes) -> bytes:
    derived = _derived(key)
    text = _encrypted(derived, iv, content)
    mac = _authenticated(derived, iv)
    mac.update(text)
    return iv + text + mac.finalize()
