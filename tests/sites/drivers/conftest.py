"""Folders for servers that refuse to run as root."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that an unprivileged user can enter; pytest's own are closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="blackstart-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
