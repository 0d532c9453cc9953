"""Closed runs go to a store whose lock held, and stay here, intact, where it did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from sites.errors import ArchiveError
from tests.sites.drivers.stores import lying_store, moto_store, refuse_shorter_locks, s3_client

PLAN = """\
name: small
environment: test
sites:
  here: {{kind: processes, path: "{root}/here"}}
tabletops:
  quake: {{scenario: the building is gone}}
evidence:
  path: "{root}/evidence"
  upload:
    kind: s3
    endpoint: "{store}"
    bucket: locked
    access_key: {{env: TEST_ACCESS}}
    secret_key: {{env: TEST_SECRET}}
"""


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ACCESS", "access")
    monkeypatch.setenv("TEST_SECRET", "planted")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    refuse_shorter_locks(monkeypatch)
    with moto_store() as address:
        yield address


def a_plan(folder: Path, store: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(root=folder, store=store))
    return path


def talk(plan: Path) -> Any:
    done = CliRunner().invoke(
        app, ["tabletop", "quake", "--plan", str(plan), "--json"], input="we would wait\n"
    )
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_a_closed_run_lies_there_file_by_file_with_the_chain(tmp_path: Path, store: str) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    plan = a_plan(tmp_path, store)
    talked = talk(plan)
    assert talked["not_done"] == []
    folder, head = Path(talked["folder"]), chain.head(tmp_path / "evidence")
    for path, key in [
        *((path, f"evidence/{folder.name}/{path.name}") for path in folder.iterdir()),
        (tmp_path / "evidence" / "chain.jsonl", f"evidence/chain/{head}.jsonl"),
    ]:
        there = s3_client(store).get_object(Bucket="locked", Key=key)
        assert there["Body"].read() == path.read_bytes()
        assert there["ObjectLockMode"] == "COMPLIANCE"
        assert there["Metadata"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    again = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    assert "0 files uploaded, 3 there already" in again.stdout


def test_a_store_that_lies_gets_nothing_and_the_run_is_closed_all_the_same(tmp_path: Path) -> None:
    with lying_store() as (address, held):
        plan = a_plan(tmp_path, address)
        talked = talk(plan)
        assert "it let us delete a locked version" in talked["not_done"][0]
        assert "`blackstart upload` does it later" in talked["not_done"][0]
        assert held == {}
        refused = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
        assert isinstance(refused.exception, ArchiveError)
    assert verify(tmp_path / "evidence").intact
