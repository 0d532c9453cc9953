"""Small estates to do damage to: sites of processes that only sleep, real repositories, real pairs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.estate import Estate
from sites.plan import read_plan
from tests.sites.conftest import repository_template
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.protection.conftest import protected, protected_once
from tests.sites.protection.protected import Protected
from tests.sites.repositories import PASSWORD

__all__ = ["new_pair", "protected", "protected_once", "repository_template", "template"]

SLEEPER = {"command": ["sleep", "600"]}
NewEstate = Callable[..., Estate]


def estate_of(folder: Path, **sections: Any) -> Estate:
    """An estate of two sites, where `postgres` and `gateway` are processes that only sleep."""
    site = {"kind": "processes", "drills": True, "processes": {"postgres": SLEEPER, "gateway": SLEEPER}}
    declared: dict[str, Any] = {
        "name": "small",
        "environment": "test",
        "sites": {name: site | {"path": str(folder / name)} for name in ("primary", "dr")},
        "state": str(folder / "state"),
    }
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared | sections))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[Estate]:
    """Its primary is up."""
    estate = estate_of(tmp_path)
    estate.site("primary").up()
    yield estate
    for name in ("primary", "dr"):
        estate.site(name).kill()


@pytest.fixture
def guarded(protected: Protected, tmp_path: Path) -> Estate:
    """Two real repositories with a point of dataset `strategies`, whose files are the test's own."""
    secret = tmp_path / "restic"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    folder = Path(shutil.copytree(protected.dataset.path, tmp_path / "strategies", symlinks=True))

    def repository(site: str, url: str) -> dict[str, Any]:
        return {"site": site, "url": url, "password": {"file": str(secret)}}

    return estate_of(
        tmp_path,
        name="desk",  # whose points they are
        repositories={
            "onsite": repository("primary", protected.onsite.url),
            "offsite": repository("dr", protected.offsite.url) | {"copy_of": "onsite"},
        },
        datasets={
            "strategies": {
                "kind": "files",
                "site": "primary",
                "path": str(folder),
                "backup": {"to": "onsite", "every": "1h"},
            }
        },
    )
