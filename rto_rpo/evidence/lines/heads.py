"""Heads of the chain kept elsewhere: a file at the other site, one JSON line for each, only ever added to."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from rto_rpo.durable import make_folder, sync_folder
from rto_rpo.evidence import EvidenceError

_HEAD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A head as it was when `utc` was written; `run` is the run that it closed, if one."""

    utc: str
    plan: str
    run: str | None
    head: str


def keep_head(path: Path, kept: Kept) -> None:
    """Add a head, on disk once this returns. Raises EvidenceError when it cannot be written."""
    try:
        make_folder(path.parent)
        with path.open("ab") as file:
            file.write(json.dumps(asdict(kept), sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise EvidenceError(f'cannot keep the head of the chain in "{path}": {error.strerror}') from None


def read_heads(path: Path) -> tuple[Kept, ...]:
    """All heads kept there, the oldest first; () when there is no such file.

    Raises EvidenceError when a line is no head. A last line that was cut off by a crash is passed over.
    """
    try:
        lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
    except OSError as error:
        raise EvidenceError(f'cannot read the heads in "{path}": {error.strerror}') from None
    return tuple(_parsed(path, number, line) for number, line in enumerate(lines[:-1], 1))


def _parsed(path: Path, number: int, line: bytes) -> Kept:
    try:
        content = json.loads(line)
        kept = Kept(**{name: content[name] for name in ("utc", "plan", "run", "head")})
        if _HEAD.fullmatch(kept.head):
            return kept
        wrong = "its head is not 64 lowercase hex digits"
    except (ValueError, KeyError, TypeError):
        wrong = "it is no head"
    raise EvidenceError(f'cannot read the heads in "{path}": line {number}: {wrong}')


def given_heads(text: str) -> tuple[str, ...]:
    """The heads that `--head` names: 64 hex digits, or a file of heads. Raises EvidenceError."""
    if _HEAD.fullmatch(text):
        return (text,)
    path = Path(text)
    if not path.is_file():
        raise EvidenceError(
            f"cannot verify against head {text!r}: it is not 64 lowercase hex digits",
            hint="give a head, or a file of heads",
        )
    found = tuple(kept.head for kept in read_heads(path))
    if not found:
        raise EvidenceError(f'cannot verify against the heads in "{path}": there are none')
    return found
