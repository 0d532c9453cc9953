"""What the whole needs of the machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def desk_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter, as those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="blackstart-e2e-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
