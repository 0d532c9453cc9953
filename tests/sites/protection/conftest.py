"""One small dataset, backed up and copied once for all; every test that does harm works on its own copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Restic
from sites.protection.backup import backup
from sites.protection.history import History
from sites.protection.replication import replicate
from tests.sites.protection.protected import Protected
from tests.sites.repositories import PASSWORD


@pytest.fixture(scope="session")
def protected_once(tmp_path_factory: pytest.TempPathFactory, repository_template: Path) -> Protected:
    folder = tmp_path_factory.mktemp("protected")
    source = folder / "strategies"
    (source / "sub").mkdir(parents=True)
    (source / "a.bin").write_bytes(os.urandom(700_000))
    (source / "sub" / "b.txt").write_text("b")
    (source / "link").symlink_to("sub/b.txt")
    repositories = []
    for name in ("onsite", "offsite"):
        shutil.copytree(repository_template, folder / name)
        repositories.append(
            Restic(name, str(folder / name), lambda: PASSWORD, host="desk", cache="none", lock_wait_seconds=0)
        )
    onsite, offsite = repositories
    dataset = FilesDataset("strategies", "primary", source)
    history = History(folder / "history.jsonl")
    made = backup(dataset, onsite, plan="desk", staging=folder / "staging", history=history)
    replicate(onsite, offsite, plan="desk", history=history)
    return Protected(dataset, onsite, offsite, made, history, folder / "staging", folder / "scratch")


@pytest.fixture
def protected(protected_once: Protected, tmp_path: Path) -> Protected:
    """A copy of its own, repositories and history and all. The source is shared: leave it as it is."""
    copies = []
    for repository in (protected_once.onsite, protected_once.offsite):
        url = shutil.copytree(repository.url, tmp_path / repository.name)
        copies.append(replace(repository, url=str(url)))
    history = History(Path(shutil.copy(protected_once.history.path, tmp_path / "history.jsonl")))
    return replace(
        protected_once,
        onsite=copies[0],
        offsite=copies[1],
        history=history,
        staging=tmp_path / "staging",
        scratch=tmp_path / "scratch",
    )


@pytest.fixture
def dataset_at(tmp_path: Path) -> Callable[[str], FilesDataset]:
    """A files dataset of that name with a folder of its own that holds one file."""

    def make(name: str) -> FilesDataset:
        path = tmp_path / f"data-{name}"
        path.mkdir()
        (path / "one").write_text(name)
        return FilesDataset(name, "primary", path)

    return make
