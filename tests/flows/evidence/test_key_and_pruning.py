"""What the key's change and a pruning wait for: every run closed, and a head that somebody else keeps."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drills import pruning
from drills.guard import only_drill
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.heads import read_heads
from rto_rpo.evidence.lines.history import run_records
from rto_rpo.evidence.lines.signature import load_key, new_key
from sites.errors import GuardError
from sites.plan import load
from tests.flows.small_plan import entries, evidence, later, run, talk, told, write_plan
from tests.rto_rpo.evidence.folders import add_run, agreed, open_one
from tests.rto_rpo.report.runs import MET, MISSED


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


def test_nothing_is_pruned_where_no_head_can_be_kept(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = add_run(evidence(plan), MET, load_key(plan.parent / "key.pem"), agreed(MET))
    files, before = {path.name for path in folder.iterdir()}, chain.head(evidence(plan))
    monkeypatch.setattr("drills.pruning.datetime", later(7 * 365))
    (plan.parent / "there").write_text("a site that is away")
    refused = run(plan, "prune", "--yes").exception
    assert {path.name for path in folder.iterdir()} == files
    assert "nothing was deleted: cannot keep the head of the chain" in str(refused)
    assert chain.head(evidence(plan)) == before
    (plan.parent / "there").unlink()
    assert told(plan, "prune", "--yes")["not_done"] == []
    assert {path.name for path in folder.iterdir()} == {"charter.json", "plan.yaml"}
    kept = [one.head for one in read_heads(plan.parent / "there" / "heads.jsonl")]
    assert kept == [before, chain.head(evidence(plan))]  # the first of them before anything was deleted


def test_a_site_that_goes_away_during_a_pruning_is_told_of(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_run(evidence(plan), MET, load_key(plan.parent / "key.pem"), agreed(MET))
    monkeypatch.setattr("drills.pruning.datetime", later(7 * 365))
    heads, really = plan.parent / "there" / "heads.jsonl", pruning.prune

    def pruned_and_away(*given: Any, **more: Any) -> tuple[str, ...]:
        gone = really(*given, **more)
        heads.rename(plan.parent / "kept.jsonl")
        heads.mkdir()
        return gone

    monkeypatch.setattr(pruning, "prune", pruned_and_away)
    done = told(plan, "prune", "--yes")
    assert done["deleted"] == [folder.name]
    assert "cannot keep the head of the chain" in done["not_done"][0]
