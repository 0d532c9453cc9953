"""Files of the evidence: hashed in a stream, written once, and on disk before we say so."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from rto_rpo.durable import write_durably
from rto_rpo.evidence import EvidenceError

_BLOCK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Lowercase hex SHA-256 of a file's bytes, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def listing(folder: Path) -> tuple[list[str], list[str]]:
    """Every file below the folder as (regular, other), names relative with "/" and sorted.

    *other* is what the chain cannot hold: links, sockets, devices, empty folders, names that are not UTF-8.
    """
    regular: list[str] = []
    other: list[str] = []
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        name = os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "backslashreplace")
        if stat.S_ISREG(mode) and (folder / name).is_file():
            regular.append(name)
        elif not stat.S_ISDIR(mode) or not any(path.iterdir()):
            other.append(name)
    return regular, other


def require_plain(path: Path) -> None:
    """Raises EvidenceError for what is there and no plain file: to open a pipe would be to wait for ever."""
    if path.exists() and not path.is_file():
        raise EvidenceError(
            f'cannot use the evidence in "{path.parent}": "{path.name}" is not a plain file',
            hint="move it away; `blackstart verify` says what still holds",
        )


def inventory(folder: Path) -> dict[str, str]:
    """{name: SHA-256} of every regular file below the folder; {} when there is no such folder."""
    return {name: sha256_of(folder / name) for name in listing(folder)[0]} if folder.is_dir() else {}


def write_once(path: Path, content: bytes) -> None:
    """Write a new file whole, or not at all, and have it on disk. One that holds just this already is fine.

    Raises EvidenceError when it holds anything else: evidence is never overwritten.
    """
    if not path.exists():
        write_durably(path, content)
    elif path.read_bytes() != content:
        raise EvidenceError(f'cannot write evidence "{path}": it exists, and evidence is written once')


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """fsync every regular file and every folder below, and the folder itself."""
    for path in (*folder.rglob("*"), folder):
        if stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode):
            sync(path)
