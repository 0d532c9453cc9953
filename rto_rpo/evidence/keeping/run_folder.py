"""A run's folder, and the hold on it that says "somebody is still at it".

The hold is a write lock on the run's frozen plan: only who may write to the evidence can have one. A lock on
the folder itself would be anybody's who can read it, and so would the word that a run is still going on.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rto_rpo.evidence.names import PLAN_NAME

_FLOCK: Final = "hhqqi4x"  # the kernel's struct flock: kind, whence, start, length, process
_PLACES: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run's files go. `descriptor` is the hold of the process that opened the run."""

    path: Path
    run: str
    descriptor: int | None = field(default=None, compare=False)


def folder_name(now: datetime, drill: str, run: str) -> str:
    """ "2026-11-22T060000Z-kill-primary-3f9a12c4": when in UTC, which drill, the start of the run's UUID."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", drill)[:80] or "drill"
    return f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{safe}-{run[:8]}"


def hold(path: Path) -> int | None:
    """Hold the folder until the returned descriptor is closed or the process ends.

    For every process that writes there: the orchestrator has it from `open_run`, the recorder takes its own.
    None: it holds no plan, and so is no run's. Raises OSError, also where we may not write there.
    """
    if not (path / PLAN_NAME).is_file():
        return None
    descriptor = os.open(path / PLAN_NAME, os.O_RDWR | os.O_CLOEXEC)
    place = secrets.randbelow(_PLACES)  # each holder has a byte of its own, whether there is one or not
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0))
    return descriptor


def held(path: Path) -> bool:
    """Whether a living process on this machine, which may write there, holds the folder."""
    try:
        descriptor = os.open(path / PLAN_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:  # which write lock is in the way of reading all of it; the locks of readers never are
        asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        told = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_FLOCK, told)[0] != fcntl.F_UNLCK)
