"""Real restic and real repositories with a key that is cheap to derive: half a second less a call.

restic picks scrypt's cost when it makes a repository and records it in the key file. This rewrites that
file with the lowest cost. Nothing else of the repository changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from sites.drivers.restic import Restic

PASSWORD = "planted-secret-of-the-repository"
_IV_BYTES = _TAG_BYTES = 16


@pytest.fixture(scope="session")
def repository_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _make_template(tmp_path_factory.mktemp("restic"))


@pytest.fixture
def repository_at(tmp_path: Path) -> Callable[..., Restic]:
    """Restic on the repository of that name, whether it was made or not."""

    def at(name: str, **options: Any) -> Restic:
        usual: dict[str, Any] = {
            "url": str(tmp_path / "repositories" / name),
            "password": lambda: PASSWORD,
            "host": "desk",
            "cache": "none",
            "lock_wait_seconds": 0.0,
        }
        return Restic(name, **(usual | options))

    return at


@pytest.fixture
def make_repository(repository_template: Path, repository_at: Callable[..., Restic]) -> Callable[..., Restic]:
    """Restic on a fresh, empty repository of that name."""

    def make(name: str = "onsite", **options: Any) -> Restic:
        made = repository_at(name, **options)
        shutil.copytree(repository_template, made.url)
        return made

    return make


def _make_template(folder: Path) -> Path:
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
