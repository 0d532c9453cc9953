from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.folders import make_folder


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return new_key(tmp_path_factory.mktemp("key") / "key.pem")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    root = tmp_path_factory.mktemp("original") / "evidence"
    make_folder(root, key)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "evidence"))
