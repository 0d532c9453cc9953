"""Folders for servers that refuse to run as root, and real PostgreSQL pairs in them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sites.errors import MissingProgram
from tests.sites.drivers.majors import chosen
from tests.sites.drivers.pairs import Pair, make_pair, make_template

MEMORY = Path("/dev/shm")  # noqa: S108  what others do with the disk would decide how long these tests take
ROOM_BYTES = 2 << 30


def new_open_folder() -> Path:
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="blackstart-", dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that an unprivileged user can enter; pytest's own are closed to everybody else."""
    folder = new_open_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    try:
        chosen()
    except MissingProgram as error:
        pytest.skip(str(error))
    folder = new_open_folder()
    make_template(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def new_pair(template: Path) -> Iterator[Callable[..., Pair]]:
    """Makes pairs that a test may ruin. Options are those of `make_pair`."""
    made: list[tuple[Path, Pair | None]] = []

    def make(**options: Any) -> Pair:
        folder = new_open_folder()
        made.append((folder, None))
        made[-1] = (folder, make_pair(template, folder, **{"synchronous": True, **options}))
        assert made[-1][1] is not None
        return made[-1][1]

    yield make
    for folder, pair in made:
        if pair is not None:
            pair.kill()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pair(template: Path) -> Iterator[Pair]:
    """One synchronous pair for all tests that leave it as they found it."""
    folder = new_open_folder()
    made = make_pair(template, folder, synchronous=True)
    yield made
    made.kill()
    shutil.rmtree(folder)
