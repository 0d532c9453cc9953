"""Closed runs go to a store whose lock held, and stay here, intact, where it did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from moto.s3 import models
from typer.testing import CliRunner

from drills.keeping import _until
from flows.cli import app
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.history import entries_of, run_records
from sites.errors import ArchiveError
from sites.plan import load
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


def lock_of(store: str, key: str) -> datetime:
    until = s3_client(store).head_object(Bucket="locked", Key=key)["ObjectLockRetainUntilDate"]
    assert isinstance(until, datetime)
    return until


def test_a_run_is_locked_as_long_as_its_own_plan_promised_and_since_the_last_word_of_it(
    tmp_path: Path, store: str
) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    plan = a_plan(tmp_path, store)
    whole = plan.read_text()
    promises = {"small": "retention: 6y", "other": "retention: 9y"}
    folders = {}
    for name, promise in promises.items():
        text = whole[: whole.index("  upload:")].replace("name: small", f"name: {name}")
        plan.write_text(f"{text}  {promise}\n")
        folders[name] = Path(talk(plan)["folder"]).name
    plan.write_text(whole + "  retention: 1d\n")
    done = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    assert done.exit_code == 0, done.exception
    now = datetime.now(UTC)
    for name, years in (("small", 6), ("other", 9)):
        assert lock_of(store, f"evidence/{folders[name]}/plan.yaml") > now + timedelta(days=years * 365 - 1)
    record = run_records(entries_of(tmp_path / "evidence"))[1]
    assert record.closed is not None
    later = record.closed.model_copy(update={"utc": "2031-01-01T00:00:00.000000Z"})
    assert _until(load(plan), replace(record, closed=later))[0].year == 2039


def test_a_promise_that_cannot_be_read_is_told(tmp_path: Path, store: str) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    plan = a_plan(tmp_path, store)
    raw = plan.read_bytes() + b"  retention: ${KEEP:-2y}\n"  # as plans could once say
    root, now, name = tmp_path / "evidence", datetime.now(UTC), str(uuid4())
    folder = chain.open_run(root, run=name, drill="quake", plan=raw, key=None, now=now)
    chain.close_run(root, folder, verdict="inconclusive", key=None, now=now)
    done = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    assert "(how long its own plan keeps it cannot be read)" in done.stdout
    assert done.exit_code == 0


def test_a_run_that_was_edited_is_not_uploaded_and_the_others_are(tmp_path: Path, store: str) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    plan = a_plan(tmp_path, store)
    edited = Path(talk(plan)["folder"])
    was = (edited / "charter.json").read_bytes()
    (edited / "charter.json").write_bytes(b"{}")
    (edited / "more.txt").write_text("not of the run")
    good = Path(talk(plan)["folder"])
    done = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    assert done.exit_code == 1
    assert (
        f'not uploaded: {edited.name}: "charter.json" was edited: its hash is not the one in' in done.stderr
    )
    assert '"more.txt" is not in the chain' in done.stderr
    assert f"{good.name}: 0 files uploaded, 3 there already" in done.stdout
    newest = s3_client(store).get_object(Bucket="locked", Key=f"evidence/{edited.name}/charter.json")
    assert newest["Body"].read() == was


def hold_of(store: str, key: str) -> str | None:
    found = s3_client(store).get_object_legal_hold(Bucket="locked", Key=key)["LegalHold"].get("Status")
    return None if found is None else str(found)


@pytest.mark.parametrize("by", ["the plan", "a person", "nobody any more"])
def test_what_is_held_is_under_legal_hold_there(tmp_path: Path, store: str, by: str) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    plan = a_plan(tmp_path, store)
    folder = Path(talk(plan)["folder"]).name
    if by == "the plan":
        plan.write_text(plan.read_text() + "  hold: litigation\n")
    else:
        words = ["hold", folder, "--reason", "litigation", "--plan", str(plan)]
        for more in [[], *([["--lift"]] if by == "nobody any more" else [])]:
            assert CliRunner().invoke(app, [*words, *more]).exit_code == 0
    done = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    held = by != "nobody any more"
    assert (", under legal hold: litigation" in done.stdout) is held
    assert (hold_of(store, f"evidence/{folder}/charter.json") == "ON") is held


def test_a_store_without_legal_holds_is_told_of(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3_client(store).create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    monkeypatch.setattr(models.S3Backend, "put_object_legal_hold", lambda *_, **__: None)
    plan = a_plan(tmp_path, store)
    talk(plan)
    plan.write_text(plan.read_text() + "  hold: litigation\n")
    done = CliRunner().invoke(app, ["upload", "--plan", str(plan)])
    assert "; the store took no legal hold for: litigation" in done.stdout
    assert done.exit_code == 0
