"""What the whole needs of the machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sites.recovery.fence import Fences
from tests.e2e.changes import change, expect_as_declared
from tests.e2e.desks import RunningDesk, running_desk


@contextmanager
def _folder() -> Iterator[Path]:
    """One that PostgreSQL's user can enter, as those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="blackstart-e2e-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def desk_folder() -> Iterator[Path]:
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def standing_desk() -> Iterator[RunningDesk]:
    """One for many tests, since most of their time would go into its first backups."""
    with _folder() as folder, running_desk(folder) as desk:
        yield desk


@pytest.fixture
def desk(standing_desk: RunningDesk, tmp_path: Path) -> Iterator[RunningDesk]:
    """The standing desk as its plan declares it, with evidence of the test's own; failed back in the end."""
    desk = standing_desk.apart(tmp_path / "evidence")
    expect_as_declared(desk)
    yield desk
    if Fences(desk.estate.state).raised("primary"):
        change(desk, "failback")
