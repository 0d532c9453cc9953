"""What the key's change and a pruning wait for: every run closed, and a head that somebody else keeps."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from drills.guard import only_drill
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.history import run_records
from rto_rpo.evidence.lines.signature import load_key, new_key
from sites.errors import GuardError
from sites.plan import load
from tests.flows.small_plan import entries, evidence, run, talk, told, write_plan
from tests.rto_rpo.evidence.folders import open_one
from tests.rto_rpo.report.runs import MISSED


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(tmp_path)


def test_the_key_is_not_changed_while_a_run_has_its_verdict_to_come(plan: Path) -> None:
    key, new = load_key(plan.parent / "key.pem"), new_key(plan.parent / "new.pem")
    folder = open_one(evidence(plan), MISSED, key)
    before = chain.head(evidence(plan))
    for _ in ("while its process goes on", "once that is gone"):
        refused = run(plan, "rotate-key", str(plan.parent / "new.pem")).exception
        assert isinstance(refused, GuardError)
        assert f"run {folder.path.name} is not closed" in str(refused)
        assert "`blackstart recover` closes it" in str(refused.hint)
        if folder.descriptor is not None:
            os.close(folder.descriptor)
            folder = replace(folder, descriptor=None)
    assert chain.head(evidence(plan)) == before
    run(plan, "recover")
    assert told(plan, "rotate-key", str(plan.parent / "new.pem"))["new"] == new.public.identity
    assert [one.closed and one.closed.verdict for one in run_records(entries(plan))] == ["missed"]
    assert verify(evidence(plan)).intact


def test_no_drill_begins_while_the_key_is_changed(plan: Path) -> None:
    talk(plan, "we would wait")
    new_key(plan.parent / "new.pem")
    with only_drill(load(plan).state):
        refused = run(plan, "rotate-key", str(plan.parent / "new.pem")).exception
    assert isinstance(refused, GuardError)
    assert "another drill is running" in str(refused)
