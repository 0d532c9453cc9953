"""The digests of stored reports: each is read once, however many runs are written or told after it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import orjson

from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.settled import Identity, identity


def stored_digest(path: Path, sha256: str) -> Digest:
    """That of the report with this hash. Raises OSError, and ValueError or KeyError where it is none."""
    known = identity(path)
    return _read(path, sha256) if known is None else _once(path, sha256, known)


@lru_cache(maxsize=4096)
def _once(path: Path, sha256: str, _: Identity) -> Digest:
    return _read(path, sha256)


def _read(path: Path, sha256: str) -> Digest:
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError("it is not the one whose hash is in the chain")
    return digest(orjson.loads(raw))
