"""What an undo came to is in the evidence, also when the recorder is gone or the run was closed long ago."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from drills import deadman
from drills.closing import open_run, signing_key
from drills.recover import recover
from drills.undo import Undo, UndoIntents
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import tail
from rto_rpo.evidence.keeping.chain import close_run
from rto_rpo.evidence.keeping.run_folder import RunFolder
from rto_rpo.evidence.keeping.undone import add_undone, undone_now, undone_of
from rto_rpo.evidence.names import REPORT_NAME, UNDO_NAME
from sites.estate import Estate
from sites.recovery.under_way import journal_of
from tests.drills.small_drill import DRILL, struck_now

TOLD = 'reverted, by `recover`: site "primary" runs again'


def struck(estate: Estate) -> tuple[Undo, RunFolder]:
    """A run whose fault was injected and whose recorder left nothing: both are gone."""
    folder = open_run(estate.plan, str(uuid4()), DRILL)
    return struck_now(estate, folder.run), folder


def let_go(folder: RunFolder) -> None:
    assert folder.descriptor is not None
    os.close(folder.descriptor)


def test_what_recover_undid_is_in_the_run_that_it_closes(estate: Estate) -> None:
    _, folder = struck(estate)
    let_go(folder)
    assert all(one.ok for one in recover(estate.plan))
    found = verify(estate.plan.evidence.path)
    assert found.intact, found.findings
    assert any(TOLD in note for note in found.notes)
    (folder.path / UNDO_NAME).write_text((folder.path / UNDO_NAME).read_text().replace("reverted", "stuck"))
    assert f'"{UNDO_NAME}" was edited' in str(verify(estate.plan.evidence.path).findings)


def test_what_is_undone_after_the_closing_is_a_line_of_the_chain(estate: Estate) -> None:
    _, folder = struck(estate)
    let_go(folder)
    with journal_of(estate.state):  # a failover runs, so nothing is undone, and the run is closed
        recover(estate.plan)
    assert not any("primary" in note for note in verify(estate.plan.evidence.path).notes)
    assert all(one.ok for one in recover(estate.plan))
    found = verify(estate.plan.evidence.path)
    assert found.intact, found.findings
    assert any(TOLD in note for note in found.notes)
    assert UndoIntents(estate.state).pending() == []


def test_it_is_added_under_the_lock_of_the_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "LOCK_LIMIT_SECONDS", 0.05)
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        tail.locked(tmp_path),
        pytest.raises(EvidenceError, match="another process is writing evidence"),
    ):
        add_undone(folder, undone_now("drill", "reverted", "it runs"))
    add_undone(folder, undone_now("drill", "reverted", "it runs"))
    assert len(undone_of(folder)) == 1


def test_nothing_is_added_once_the_run_is_closed(estate: Estate) -> None:
    _, folder = struck(estate)
    close_run(
        estate.plan.evidence.path,
        folder,
        verdict="inconclusive",
        key=signing_key(estate.plan),
        now=datetime.now(UTC),
    )
    with pytest.raises(EvidenceError, match="its run is closed"):
        add_undone(folder.path, undone_now("dead-man", "reverted", "it runs"))
    assert verify(estate.plan.evidence.path).intact


def closed(estate: Estate, folder: RunFolder) -> None:
    key, now = signing_key(estate.plan), datetime.now(UTC)
    close_run(estate.plan.evidence.path, folder, verdict="inconclusive", key=key, now=now)


@pytest.mark.parametrize("report_only", [False, True], ids=["closed", "its report is written"])
def test_what_a_slow_dead_man_did_is_a_line_of_the_chain(estate: Estate, *, report_only: bool) -> None:
    """One that the drill waited for in vain: its run is closed, or is being closed, by then."""
    undo, folder = struck(estate)
    if report_only:
        (folder.path / REPORT_NAME).write_text("{}")
    else:
        closed(estate, folder)
    deadman._act(estate.state, undo, estate.state / "no-recorder", folder.path, 5, "the orchestrator is gone")
    assert UndoIntents(estate.state).pending() == []
    if report_only:
        closed(estate, folder)
    found = verify(estate.plan.evidence.path)
    assert found.intact or report_only, found.findings  # a report that was made of no ledger
    told = 'reverted, by its dead-man: site "primary" runs again'
    assert len([note for note in found.notes if told in note]) == 1
    assert not (folder.path / UNDO_NAME).exists()


def test_nothing_is_added_once_the_report_is_written(tmp_path: Path) -> None:
    add_undone(tmp_path, undone_now("drill", "stuck", "it hangs"))
    add_undone(tmp_path, undone_now("recover", "reverted", "it runs"))
    assert [one.undone for one in undone_of(tmp_path)] == ["stuck", "reverted"]
    (tmp_path / REPORT_NAME).write_text("{}")
    with pytest.raises(EvidenceError, match="its report is written"):
        add_undone(tmp_path, undone_now("recover", "reverted", "it runs"))
    (tmp_path / UNDO_NAME).write_text('{"by": "nobody"}\n')
    with pytest.raises(EvidenceError, match="cannot read"):
        undone_of(tmp_path)
