"""Seconds of processor time: what a piece of work costs, whatever else the machine is busy with."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from pathlib import Path


def used(others: Iterable[int] = ()) -> float:
    """By this process, by its children that have ended, and by the running processes `others`."""
    ours = sum(os.times()[:2])
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours + ended.ru_utime + ended.ru_stime + sum(_of(pid) for pid in others)


def _of(pid: int) -> float:
    fields = (
        Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
