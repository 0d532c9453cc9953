"""A run's folder, and the hold on it that says "somebody is still at it"."""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


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


def hold(path: Path) -> int:
    """Hold the folder until the returned descriptor is closed or the process ends.

    For every process that writes there: the orchestrator has it from `open_run`, the recorder takes its own.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def held(path: Path) -> bool:
    """Whether a living process on this machine holds the folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
