from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from rto_rpo import JUDGE
from rto_rpo.evidence.checking.folder_check import file_faults
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.measurement import Verdict
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.folders import (
    NOW,
    RUNS,
    add_run,
    drawn_by_another,
    findings,
    first_closed,
    folders,
    open_one,
)
from tests.rto_rpo.report.runs import MET, MISSED, PLAN, write_ledger


def test_every_changed_byte_of_every_file_of_a_run_shows(tmp_path: Path, key: SigningKey) -> None:
    """Every byte of a small run; those of the chain have a test of their own."""
    root = tmp_path / "evidence"
    folder = chain.open_run(root, run=MET.run, drill="kill", plan=PLAN, key=key, now=NOW)
    for name in ("ledger.jsonl", "report.json", "report.html", "report.md"):
        (folder.path / name).write_bytes(b"%s: held by its hash, whatever is in it\n" % name.encode())
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    closed = first_closed(root)
    assert sorted(closed.files) == ["ledger.jsonl", "plan.yaml", "report.html", "report.json", "report.md"]
    for name in closed.files:
        path = folder.path / name
        content = path.read_bytes()
        for place in range(len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            said = list(file_faults(folder.path, closed, {}))
            assert said == [f'"{name}" was edited: its hash is not the one in the chain']
        path.write_bytes(content)
    assert list(file_faults(folder.path, closed, {})) == []


@pytest.mark.parametrize("name", ["ledger.jsonl", "plan.yaml", "report.json", "report.html", "report.md"])
def test_a_file_cut_at_any_length_shows(root: Path, name: str) -> None:
    path = folders(root)[0]
    closed = first_closed(root)
    content = (path / name).read_bytes()
    cut = sha256()
    for length in range(len(content)):
        assert cut.hexdigest() != closed.files[name]
        cut.update(content[length : length + 1])
    (path / name).write_bytes(content[:-1])
    assert f'{path.name}: "{name}" was edited' in findings(root)


@pytest.mark.parametrize("name", ["ledger.jsonl", "plan.yaml", "report.json", "report.html", "report.md"])
def test_a_deleted_file_shows(root: Path, name: str) -> None:
    (folders(root)[1] / name).unlink()
    assert f'{folders(root)[1].name}: "{name}" is missing: it was deleted or renamed' in findings(root)


def _extra_file(path: Path) -> None:
    (path / "notes.txt").write_text("all was well")


def _extra_link(path: Path) -> None:
    (path / "link").symlink_to("/etc/hostname")


def _empty_folder(path: Path) -> None:
    (path / "empty").mkdir()


def _name_that_is_no_text(path: Path) -> None:
    Path(os.fsdecode(os.fsencode(path) + b"/\xff\xfe")).write_text("hidden")


def _file_as_a_link(path: Path) -> None:
    (path / "report.md").rename(path.parent / "elsewhere.md")
    (path / "report.md").symlink_to(path.parent / "elsewhere.md")


@pytest.mark.parametrize(
    "act", [_extra_file, _extra_link, _empty_folder, _name_that_is_no_text, _file_as_a_link]
)
def test_what_was_added_to_a_run_shows(root: Path, act: Callable[[Path], None]) -> None:
    act(folders(root)[0])
    assert "is not in the chain" in findings(root)


def test_a_verdict_that_the_key_holder_lied_about_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, RUNS[1], key)
    (folder.path / "report.json").write_bytes(b'{"verdict": "met"}')
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    said = findings(root, key)
    assert "the chain says met, its ledger gives missed" in said
    assert '"report.json" is not what its plan and ledger give; it differs in: ' in said
    assert "verdict" in said


def test_a_run_closed_without_a_report_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    chain.close_run(root, open_one(root, MET, key), verdict="met", key=key, now=NOW)
    assert 'it was closed without "report.json"' in findings(root, key)


def test_a_ledger_of_another_run_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, MET, key)
    (folder.path / "ledger.jsonl").unlink()
    write_ledger(folder.path / "ledger.jsonl", replace(MET, number=9))
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    assert "the chain says run" in findings(root, key)


def test_a_ledger_of_another_plan_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, MET, key)
    (folder.path / "ledger.jsonl").unlink()
    write_ledger(folder.path / "ledger.jsonl", replace(MET, plan=b"name: other\n"))
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    assert "its verdict cannot be computed again: the plan given" in findings(root, key)


def test_a_run_that_was_never_finished_shows(root: Path, key: SigningKey) -> None:
    folder = open_one(root, replace(MET, number=8), key)
    assert folder.descriptor is not None
    running = verify(root, public_key=key.public.pem)
    assert running.intact
    since = "since 2026-11-30 06:00 UTC: its folder is held"
    assert f"{folder.path.name}: it is still running, {since}" in running.notes
    os.close(folder.descriptor)
    assert findings(root, key) == f"{folder.path.name}: it was opened and never finished"


def test_a_run_that_was_given_up_is_told_and_its_evidence_stays_intact(root: Path, key: SigningKey) -> None:
    given_up = open_one(root, replace(MET, number=8, lost=frozenset({38})), key)
    assert given_up.descriptor is not None
    os.close(given_up.descriptor)
    add_run(root, replace(MET, number=9), key)
    found = verify(root, public_key=key.public.pem)
    assert found.findings == ()
    run = next(run for run in found.runs if run.folder == given_up.path.name)
    assert (run.state, run.verdict, run.recomputed) == ("abandoned", "inconclusive", "missed")
    assert any(
        "was given up and later closed as found; its ledger alone gives missed" in note
        for note in found.notes
    )


def test_a_run_given_up_with_nothing_or_half_a_ledger_is_intact(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    for number, left in ((4, None), (5, b'{"seq":0'), (6, b"")):
        folder = open_one(root, replace(MET, number=number), key)
        (folder.path / "ledger.jsonl").unlink()
        if left is not None:
            (folder.path / "ledger.jsonl").write_bytes(left)
        assert folder.descriptor is not None
        os.close(folder.descriptor)
    add_run(root, replace(MET, number=9), key)
    found = verify(root, public_key=key.public.pem)
    assert found.findings == ()
    assert [run.state for run in found.runs] == ["abandoned"] * 3 + ["closed"]
    assert [run.recomputed for run in found.runs] == [None, None, None, "met"]


@pytest.mark.parametrize("left", [None, b"", b'{"seq":0'])
def test_a_run_closed_with_nothing_to_judge_claims_nothing(
    tmp_path: Path, key: SigningKey, left: bytes | None
) -> None:
    verdicts: tuple[Verdict, ...] = ("inconclusive", "met")
    for verdict in verdicts:
        root = tmp_path / verdict
        folder = open_one(root, MET, key)
        (folder.path / "ledger.jsonl").unlink()
        if left is not None:
            (folder.path / "ledger.jsonl").write_bytes(left)
        chain.close_run(root, folder, verdict=verdict, key=key, now=NOW)
    found = verify(tmp_path / "inconclusive", public_key=key.public.pem)
    assert found.intact
    assert "it left nothing that could be judged, and so is inconclusive" in "\n".join(found.notes)
    assert "cannot be computed again" in findings(tmp_path / "met", key)


def test_an_edited_plan_of_a_run_given_up_shows(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, MET, key)
    (folder.path / "plan.yaml").write_bytes(b"name: softer\n")
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    add_run(root, replace(MET, number=9), key)
    assert '"plan.yaml" is not the plan that the run was opened with' in findings(root, key)


def test_an_edited_plan_of_an_unfinished_run_shows(root: Path, key: SigningKey) -> None:
    folder = open_one(root, replace(MET, number=8), key)
    (folder.path / "plan.yaml").write_bytes(b"name: softer\n")
    assert '"plan.yaml" was edited' in findings(root, key)


def test_a_report_of_another_version_has_to_say_what_the_chain_says(tmp_path: Path, key: SigningKey) -> None:
    root, old = tmp_path / "evidence", replace(MISSED, judge="0.0.1")
    folder = open_one(root, old, key)
    content = publish(folder.path)
    (folder.path / "report.json").write_text(json.dumps({**content, "verdict": "met"}))
    chain.close_run(root, folder, verdict="missed", key=key, now=NOW)
    assert 'the chain says missed, its "report.json" says met' in findings(root, key)


def _judged_otherwise(root: Path, key: SigningKey, judge: str) -> None:
    """A run that its own time called met, and that these rules do not."""
    folder = open_one(root, replace(MISSED, judge=judge), key)
    content = publish(folder.path)
    (folder.path / "report.json").write_text(json.dumps({**content, "verdict": "met"}))
    drawn_by_another(folder.path)
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)


def test_what_other_rules_decided_is_neither_proven_nor_tampered_with(
    tmp_path: Path, key: SigningKey
) -> None:
    root = tmp_path / "evidence"
    _judged_otherwise(root, key, "0.0.1")
    found = verify(root, public_key=key.public.pem)
    assert (found.intact, found.findings) == (True, ())
    (said,) = found.unproven
    assert f"judged by another version of the rules (0.0.1); this is {JUDGE}: by these rules" in said
    assert said.endswith("its ledger gives missed (differs in: verdict), so its met is not proven here")


def test_what_these_rules_decided_otherwise_was_tampered_with(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    _judged_otherwise(root, key, JUDGE)
    found = verify(root, public_key=key.public.pem)
    assert (found.intact, found.unproven) == (False, ())
    assert "the chain says met, its ledger gives missed" in "\n".join(found.findings)


def test_a_report_that_is_none_does_not_pass_for_one_of_another_version(
    tmp_path: Path, key: SigningKey
) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, replace(MET, judge="0.0.1"), key)
    (folder.path / "report.json").write_text("[]")
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    assert '"report.json" is no report of its run by any rules: it is not an object' in findings(root, key)
