"""Repositories of the real restic, fresh for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sites.drivers.pgbackrest.version import version_of
from sites.drivers.postgres.leftovers import release_leftovers
from sites.drivers.postgres.programs import find_programs
from sites.drivers.restic.repository import Restic
from sites.errors import MissingProgram
from tests.sites.repositories import PASSWORD, Make, make_template
from tests.sites.stanzas import HERE, THERE, Server, make_server


@pytest.fixture(scope="session")
def repository_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("restic"))


@pytest.fixture
def restic_binary() -> str:
    """The machine's own restic. The driver's tests replace this by two real ones."""
    return "restic"


@pytest.fixture
def repository_at(tmp_path: Path, restic_binary: str) -> Make:
    """Restic on the repository of that name, whether it was made or not."""

    def at(name: str, **options: Any) -> Restic:
        usual: dict[str, Any] = {
            "url": str(tmp_path / "repositories" / name),
            "password": lambda: PASSWORD,
            "binary": restic_binary,
            "host": "desk",
            "cache": "none",
            "lock_wait_seconds": 0.0,
        }
        return Restic(name, **(usual | options))

    return at


@pytest.fixture
def make_repository(repository_template: Path, repository_at: Make) -> Make:
    """Restic on a fresh, empty repository of that name."""

    def make(name: str = "onsite", **options: Any) -> Restic:
        made = repository_at(name, **options)
        shutil.copytree(repository_template, made.url)
        return made

    return make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small tree to back up."""
    root = tmp_path / "strategies"
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(os.urandom(700_000))
    (root / "sub" / "b.txt").write_text("b")
    return root


@pytest.fixture(scope="session")
def stanza_server() -> Iterator[Server]:
    """A server backed up to both repositories. Tests that do harm work on a copy, and put it back."""
    for needed in (lambda: version_of("pgbackrest"), find_programs):
        try:
            needed()
        except MissingProgram as error:
            pytest.skip(str(error))
    memory = Path("/dev/shm")  # noqa: S108  what others do with the disk would decide how long this takes
    folder = Path(tempfile.mkdtemp(prefix="blackstart-", dir=memory if memory.is_dir() else None))
    folder.chmod(0o755)
    server = make_server(folder)
    try:
        server.stanza(HERE).create()
        server.stanza(THERE).backup("full")
        yield server
    finally:
        server.site.kill()
        release_leftovers(server.server.data)
        shutil.rmtree(folder, ignore_errors=True)
