"""Heads of the chain kept elsewhere: a file at the other site, one JSON line for each, only ever added to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
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
    """Add a head, on disk once this returns. Raises EvidenceError when it cannot be written.

    A line that a crash or a full disk tore off before is ended first: it must not take this one with it.
    """
    try:
        make_folder(path.parent)
        with path.open("a+b") as file:
            torn = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write(b"\n" * torn + json.dumps(asdict(kept), sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        raise EvidenceError(f'cannot keep the head of the chain in "{path}": {error.strerror}') from None


def read_heads(path: Path, note: Callable[[str], None] = lambda _: None) -> tuple[Kept, ...]:
    """All heads kept there, the oldest first; () when there is no such file.

    A line that was torn off is none: it is passed over, and `note` hears of it.
    Raises EvidenceError when a whole line is no head.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise EvidenceError(f'cannot read the heads in "{path}": {error.strerror}') from None
    found = []
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n") if content else (), 1):
        if (kept := _parsed(path, number, line)) is None:
            note(f'line {number} of the heads in "{path}" was torn off, and is no head')
        else:
            found.append(kept)
    return tuple(found)


def _parsed(path: Path, number: int, line: bytes) -> Kept | None:
    """None for a line that was torn off: no beginning of a head is JSON."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    try:
        kept = Kept(**{name: content[name] for name in ("utc", "plan", "run", "head")})
        if _HEAD.fullmatch(kept.head):
            return kept
        wrong = "its head is not 64 lowercase hex digits"
    except (KeyError, TypeError):
        wrong = "it is no head"
    raise EvidenceError(f'cannot read the heads in "{path}": line {number}: {wrong}')


def given_heads(text: str, note: Callable[[str], None] = lambda _: None) -> tuple[str, ...]:
    """The heads that `--head` names: 64 hex digits, or a file of heads. Raises EvidenceError.

    `note` hears of every line that was torn off.
    """
    if _HEAD.fullmatch(text):
        return (text,)
    path = Path(text)
    if not path.is_file():
        raise EvidenceError(
            f"cannot verify against head {text!r}: it is not 64 lowercase hex digits",
            hint="give a head, or a file of heads",
        )
    found = tuple(kept.head for kept in read_heads(path, note))
    if not found:
        raise EvidenceError(f'cannot verify against the heads in "{path}": there are none')
    return found
