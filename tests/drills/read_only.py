"""A state folder that one process sees read-only, as a kernel leaves a disk that failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def run_read_only(state: Path, script: str, *told: object) -> str:
    """What a Python script prints that sees `state` read-only; it is the first of its arguments."""
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", mount, "sh", str(state)]
    argv += [sys.executable, "-c", script, str(state), *map(str, told)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
