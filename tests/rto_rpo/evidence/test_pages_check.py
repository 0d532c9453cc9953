"""report.html and report.md are drawn again: a holder of the key cannot have a page that says more."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.pruning import prune
from rto_rpo.evidence.lines.record import By, Note
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.report.maker import maker
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.folders import NOW, add_run, agreed, open_one
from tests.rto_rpo.report.runs import MET, MISSED, PLAN, Run

SHORT = replace(MET, interval_seconds=0.25, end_at_seconds=1.8)


def spoilt(root: Path, run: Run, key: SigningKey, name: str, old: str, new: str) -> Path:
    """A run whose page was edited before it was closed, by whoever signs."""
    folder = open_one(root, run, key, agreed(run))
    verdict = publish(folder.path)["verdict"]
    page = folder.path / name
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new))
    chain.close_run(root, folder, verdict=verdict, key=key, now=NOW + timedelta(days=run.number, minutes=1))
    return folder.path


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("report.html", "<h1>Missed</h1>", "<h1>Met</h1>"), ("report.md", "❌ missed", "✅ met")],
)
def test_a_page_that_says_more_than_its_report_shows(
    tmp_path: Path, key: SigningKey, name: str, old: str, new: str
) -> None:
    root = tmp_path / "evidence"
    add_run(root, SHORT, key, agreed(SHORT))
    folder = spoilt(root, replace(MISSED, number=2), key, name, old, new)
    found = verify(root, public_key=key.public.pem)
    assert found.findings == (f'{folder.name}: "{name}" is not what its report and the chain give',)


def test_a_page_of_another_version_is_said_to_be_held_against_its_hash_alone(
    tmp_path: Path, key: SigningKey
) -> None:
    root = tmp_path / "evidence"
    folder = spoilt(root, SHORT, key, "report.html", maker(), "0" * 64)
    found = verify(root)
    assert found.intact
    [note] = [one for one in found.notes if folder.name in one]
    assert note == (
        f'{folder.name}: "report.html": held against the hash in the chain alone, for another version of '
        "blackstart drew it, or a hand: nothing here shows that it says what its report says; "
        "`blackstart report` draws it anew"
    )
    assert any("1 page was drawn again and is the same" in one for one in found.notes)


def test_pages_stay_right_whatever_is_said_later_and_wherever_they_lie(
    tmp_path: Path, key: SigningKey
) -> None:
    root = tmp_path / "evidence"
    first = open_one(root, SHORT, key, agreed(SHORT))
    verdict = publish(first.path)["verdict"]
    note = Note(what="note", by=By(name="Ada"), text="said while the run was being closed")
    add_record(root, note, plan="trading-desk", run=SHORT.run, drill=None, key=key, now=NOW)
    chain.close_run(root, first, verdict=verdict, key=key, now=NOW + timedelta(days=1))
    add_record(root, note, plan="trading-desk", run=SHORT.run, drill=None, key=key, now=NOW)
    for number in (2, 3):
        add_run(root, replace(SHORT, number=number), key, agreed(SHORT))
    moved = Path(shutil.copytree(root, tmp_path / "elsewhere"))
    for place in (root, moved):
        found = verify(place)
        assert found.findings == ()
        assert any("6 pages were drawn again and are the same" in one for one in found.notes)


def test_what_pages_say_of_runs_that_were_pruned_is_not_accused(tmp_path: Path, key: SigningKey) -> None:
    kept = replace(SHORT, plan=PLAN + b"evidence: {retention: 200d}\n")
    root, late = tmp_path / "evidence", replace(kept, number=300)
    add_run(root, kept, key, agreed(kept))
    add_run(root, late, key, agreed(late))
    now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(days=301)
    gone = prune(root, plan="trading-desk", retention=timedelta(days=200), hold=None, key=key, now=now)
    assert len(gone) == 1
    found = verify(root)
    assert found.intact, found.findings
    assert any("it tells of runs before it that were pruned" in note for note in found.notes)


def test_all_pages_come_from_one_pass_over_the_evidence(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where people spoke of runs later: none is looked at by itself, with all before it once more."""
    root = tmp_path / "evidence"
    for number in (1, 2, 3):
        run = replace(MISSED if number == 2 else SHORT, number=number)
        add_run(root, run, key, agreed(run))
        for name in ("a note", "another note"):
            note = Note(what="note", by=By(name="Ada"), text=name)
            now = NOW + timedelta(days=number, hours=1)
            add_record(root, note, plan="trading-desk", run=run.run, drill=None, key=key, now=now)
    alone: list[Path] = []
    monkeypatch.setattr(
        "rto_rpo.evidence.checking.pages_check.drawn", lambda folder, *_: alone.append(folder)
    )
    found = verify(root)
    assert (found.findings, alone) == ((), [])
    assert any("6 pages were drawn again and are the same" in one for one in found.notes)
