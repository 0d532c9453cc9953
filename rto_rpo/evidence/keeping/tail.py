"""The end of the chain, where lines are added: under a lock, in one write, fsynced."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import sync_folder, try_lock, write_durably
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.files import require_plain
from rto_rpo.evidence.lines.history import read_entries
from rto_rpo.evidence.lines.keys import first_key, newest_key
from rto_rpo.evidence.lines.line import (
    CHAIN_SCHEMA,
    FIRST_PREV,
    AnyLine,
    build,
    line_hash,
)
from rto_rpo.evidence.lines.signature import PublicKey, SigningKey, parse_public_key
from rto_rpo.evidence.names import CHAIN_NAME, LOCK_NAME, PUBLIC_KEY_NAME

LOCK_LIMIT_SECONDS = 30.0


class Tail:
    """The lines so far and those about to be added. Made under `locked`."""

    def __init__(self, root: Path, key: SigningKey | None, now: datetime) -> None:
        """Raises EvidenceError when a line cannot be read, or another key signed the chain so far."""
        self._root, self._key, self._utc = root, key, now.astimezone(UTC)
        self.lines = read_lines(root)
        self.head = line_hash(self.lines[-1].raw()) if self.lines else FIRST_PREV
        self._new: list[bytes] = []
        _require_same_key(self.lines, key)

    @property
    def utc(self) -> str:
        """The time that new lines get."""
        return self._utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def add(self, **content: object) -> None:
        """Chain and sign one more line. It is on disk after `write`. Raises LineError."""
        line = build(self.begun(**content))
        if self._key:
            line = line.model_copy(update={"signature": self._key.sign(line.signed_bytes())})
        self.lines.append(line)
        self._new.append(line.raw())
        self.head = line_hash(line.raw())

    def begun(self, **content: object) -> dict[str, object]:
        """The content of the next line, not signed yet."""
        return {
            "schema": CHAIN_SCHEMA,
            "seq": len(self.lines),
            "prev": self.head,
            "utc": self.utc,
            "key": self._key.public.identity if self._key else None,
            "signature": None,
            **content,
        }

    def write(self) -> None:
        """Append all new lines in one write and have them on disk. Raises EvidenceError or OSError."""
        if self._key:
            _keep_public_key(self._root, first_key(self.lines) or self._key.public)
        with (self._root / CHAIN_NAME).open("ab") as file:
            file.write(b"".join(self._new))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._root)
        self._new.clear()


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """The one writer of this folder's chain. Raises EvidenceError when another one does not let go."""
    deadline = time.monotonic() + LOCK_LIMIT_SECONDS
    require_plain(root / LOCK_NAME)
    with (root / LOCK_NAME).open("ab") as lock:
        while not try_lock(lock.fileno()):
            if time.monotonic() > deadline:
                raise EvidenceError(
                    f'cannot lock "{root / LOCK_NAME}" within {LOCK_LIMIT_SECONDS:g} s: '
                    "another process is writing evidence"
                )
            time.sleep(0.02)
        yield


def read_lines(root: Path) -> list[AnyLine]:
    """All lines, [] when there is no chain. Raises EvidenceError at the first that cannot be read."""
    path = root / CHAIN_NAME
    require_plain(path)
    lines: list[AnyLine] = []
    for entry in read_entries(path.read_bytes() if path.exists() else b""):
        if entry.line is None:
            # A cut-off last line is a crash or a hand. A person decides which; evidence is never rewritten.
            raise EvidenceError(
                f'cannot add to "{path}": line {entry.number}: {entry.fault}',
                hint="`blackstart verify` says what still holds; keep this folder and name a new one",
            )
        lines.append(entry.line)
    return lines


def _require_same_key(lines: list[AnyLine], key: SigningKey | None) -> None:
    signer = newest_key(lines)
    if signer is not None and (key is None or key.public.identity != signer):
        given = f"this is key {key.public.identity}" if key else "no key is given"
        raise EvidenceError(
            f"cannot add to the chain: it is signed by key {signer}, and {given}",
            hint="give the plan's `evidence.key`, or name another evidence folder",
        )


def _keep_public_key(root: Path, public: PublicKey) -> None:
    """The chain's first key stays beside it; later ones stand in the chain itself."""
    path = root / PUBLIC_KEY_NAME
    require_plain(path)
    if not path.exists():
        write_durably(path, public.pem)
    elif parse_public_key(path.read_bytes()) != public:
        raise EvidenceError(f'cannot sign the chain: "{path}" is the public half of another key')
