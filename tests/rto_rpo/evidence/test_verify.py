from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import permutations
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError, chain
from rto_rpo.evidence.history import read_entries, run_records
from rto_rpo.evidence.line import Closed, canonical, line_hash, split
from rto_rpo.evidence.run_check import file_faults
from rto_rpo.evidence.signature import SigningKey, new_key
from rto_rpo.evidence.verify import verify
from rto_rpo.measurement import Verdict
from tests.rto_rpo.evidence.folders import NOW, RUNS, add_run, make_folder, open_one
from tests.rto_rpo.report.runs import MET, PLAN, write_ledger


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


def folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def findings(root: Path, key: SigningKey | None = None, head: str | None = None) -> str:
    """All findings as one text; there must be some."""
    found = verify(root, public_key=key.public.pem if key else None, head=head)
    assert not found.intact
    assert found.findings
    return "\n".join(found.findings)


def test_what_nobody_touched_is_intact_whatever_the_verdicts(root: Path, key: SigningKey) -> None:
    found = verify(root, public_key=key.public.pem)
    assert found.findings == ()
    assert found.intact
    assert [run.verdict for run in found.runs] == ["met", "missed", "inconclusive"]
    assert [run.recomputed for run in found.runs] == ["met", "missed", "inconclusive"]
    assert {run.state for run in found.runs} == {"closed"}
    assert found.head == chain.head(root)


def test_without_a_head_the_tail_is_said_not_to_be_anchored(root: Path, key: SigningKey) -> None:
    found = verify(root, public_key=key.public.pem)
    assert found.intact
    assert not found.anchored
    assert found.notes == (
        "head not anchored: this folder alone cannot show that its newest runs were deleted",
    )


def test_a_head_kept_elsewhere_anchors_the_chain(root: Path, key: SigningKey) -> None:
    lines = split((root / "chain.jsonl").read_bytes())
    found = verify(root, public_key=key.public.pem, head=chain.head(root))
    assert (found.intact, found.anchored, found.notes) == (True, True, ("head anchored",))
    earlier = verify(root, public_key=key.public.pem, head=line_hash(lines[1]))
    assert (earlier.intact, earlier.anchored) == (True, True)
    assert earlier.notes == ("head anchored; 5 lines were added since",)


def test_a_deleted_tail_shows_against_a_head_kept_elsewhere(root: Path, key: SigningKey) -> None:
    head = chain.head(root)
    assert head is not None
    lines = split((root / "chain.jsonl").read_bytes())
    (root / "chain.jsonl").write_bytes(b"".join(lines[:4]))
    shutil.rmtree(folders(root)[-1])
    assert verify(root, public_key=key.public.pem).intact
    assert findings(root, key, head) == (
        "the chain does not hold the head kept elsewhere: its tail was deleted or rewritten"
    )


def test_a_chain_cut_at_any_line_shows_by_what_lies_beside_it(root: Path, key: SigningKey) -> None:
    lines = split((root / "chain.jsonl").read_bytes())
    said = []
    for count in range(len(lines)):
        (root / "chain.jsonl").write_bytes(b"".join(lines[:count]))
        said.append(findings(root, key))
    assert '"chain.jsonl" is missing or empty' in said[0]
    assert "opened and never finished" in said[1]
    assert "opened and never finished" in said[3]
    assert "is not followed by the run" in said[5]
    assert all(f"'{folders(root)[-1].name}' is not in the chain" in text for text in said[:6])
    assert said[6] == f"{folders(root)[-1].name}: it was opened and never finished"


def test_a_missing_chain_shows(root: Path, key: SigningKey) -> None:
    (root / "chain.jsonl").unlink()
    assert '"chain.jsonl" is missing or empty' in findings(root, key)


def test_every_changed_byte_of_every_file_of_a_run_shows(tmp_path: Path, key: SigningKey) -> None:
    """Every byte of a small run; those of the chain have a test of their own."""
    root = tmp_path / "evidence"
    folder = chain.open_run(root, run=MET.run, drill="kill", plan=PLAN, key=key, now=NOW)
    for name in ("ledger.jsonl", "report.json", "report.html", "report.md"):
        (folder.path / name).write_bytes(b"%s: held by its hash, whatever is in it\n" % name.encode())
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)
    closed = _closed(root)
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


def test_a_changed_byte_anywhere_shows_in_the_whole_verification(tmp_path: Path, key: SigningKey) -> None:
    """A sample across every file of the folder, through the front door and with no key given."""
    root = tmp_path / "evidence"
    add_run(root, MET, key)
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.stat().st_size]
    assert len(files) == 2 + 5
    for path in files:
        content = path.read_bytes()
        for place in {0, len(content) // 3, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert findings(root)
        path.write_bytes(content)
    assert verify(root).intact


def test_every_changed_byte_of_the_public_key_shows(root: Path) -> None:
    path = root / "public_key.pem"
    content = path.read_bytes()
    lines = split((root / "chain.jsonl").read_bytes())
    (root / "chain.jsonl").write_bytes(lines[0])
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        said = findings(root)
        assert '"public_key.pem" was edited' in said or "not by key" in said or "wrong signature" in said


@pytest.mark.parametrize("name", ["ledger.jsonl", "plan.yaml", "report.json", "report.html", "report.md"])
def test_a_file_cut_at_any_length_shows(root: Path, name: str) -> None:
    path = folders(root)[0]
    closed = _closed(root)
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


@pytest.mark.parametrize("name", ["2026-11-23T060000Z-kill-primary-0000000f", "later.html", ".hidden"])
def test_what_lies_beside_the_runs_and_is_not_in_the_chain_shows(root: Path, name: str) -> None:
    (root / name).mkdir()
    assert f"'{name}' is not in the chain" in findings(root)


def test_a_lock_that_holds_something_shows(root: Path) -> None:
    (root / "chain.lock").write_bytes(b"x")
    assert '"chain.lock" was edited' in findings(root)


def test_a_chain_that_is_a_link_shows(root: Path, tmp_path: Path) -> None:
    (root / "chain.jsonl").rename(tmp_path / "chain.jsonl")
    (root / "chain.jsonl").symlink_to(tmp_path / "chain.jsonl")
    assert '"chain.jsonl" is not a plain file' in findings(root)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_deleted_run_shows(root: Path, place: int) -> None:
    gone = folders(root)[place]
    shutil.rmtree(gone)
    assert findings(root) == f"{gone.name}: its folder is missing: it was deleted or renamed"


def test_a_run_deleted_with_its_lines_shows(root: Path, key: SigningKey) -> None:
    lines = split((root / "chain.jsonl").read_bytes())
    (root / "chain.jsonl").write_bytes(b"".join(lines[2:]))
    shutil.rmtree(folders(root)[0])
    assert "chain lines with seq 0 to 1 are missing: they were deleted" in findings(root, key)


def test_a_copied_run_shows(root: Path) -> None:
    shutil.copytree(folders(root)[0], root / "2026-12-01T060000Z-kill-primary-00000001")
    assert "'2026-12-01T060000Z-kill-primary-00000001' is not in the chain" in findings(root)


def test_a_run_copied_over_another_shows(root: Path) -> None:
    good, bad = folders(root)[:2]
    shutil.rmtree(bad)
    shutil.copytree(good, bad)
    assert f'{bad.name}: it holds the ledger of "{good.name}": the runs were swapped or copied' in findings(
        root
    )


def test_runs_in_any_other_order_show(root: Path, tmp_path: Path) -> None:
    names = [path.name for path in folders(root)]
    for order in list(permutations(names))[1:]:
        swapped = Path(shutil.copytree(root, tmp_path / "-".join(order)[:200]))
        for name in names:
            (swapped / name).rename(swapped / f"{name}.moved")
        for name, target in zip(names, order, strict=True):
            (swapped / f"{name}.moved").rename(swapped / target)
        assert "the runs were swapped or copied" in findings(swapped)


def test_a_wrong_key_shows(root: Path, tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.pem")
    said = findings(root, other)
    assert '"public_key.pem" was replaced' in said
    assert f"not by key {other.public.identity}" in said


def test_a_chain_rewritten_without_the_key_shows(root: Path, key: SigningKey) -> None:
    _rewrite(root, key=None, signature=None)
    (root / "public_key.pem").unlink()
    unsigned = verify(root)
    assert unsigned.intact
    assert "not signed: whoever can write to this folder can rewrite it" in unsigned.notes
    assert "no line of the chain is signed by the public key" in findings(root, key)


def test_a_chain_rewritten_with_another_key_shows_against_the_right_one(
    root: Path, key: SigningKey, tmp_path: Path
) -> None:
    other = new_key(tmp_path / "other.pem")
    shutil.rmtree(root)
    make_folder(root, other, RUNS)
    forged = verify(root)
    assert forged.intact
    assert f"the public key {other.public.identity} was taken from this folder" in "\n".join(forged.notes)
    assert "not by key" in findings(root, key)


def test_signatures_without_any_key_show(root: Path) -> None:
    (root / "public_key.pem").unlink()
    assert "there is no public key to check it with" in findings(root)


def test_unsigned_evidence_is_intact_and_says_so(tmp_path: Path) -> None:
    add_run(tmp_path / "evidence", MET, None)
    found = verify(tmp_path / "evidence")
    assert found.intact
    assert "not signed: whoever can write to this folder can rewrite it" in found.notes


def test_unsigned_runs_before_the_first_signed_one_are_vouched_for(tmp_path: Path, key: SigningKey) -> None:
    add_run(tmp_path / "evidence", RUNS[0], None)
    add_run(tmp_path / "evidence", RUNS[1], key)
    found = verify(tmp_path / "evidence", public_key=key.public.pem)
    assert found.intact
    assert "the first 2 lines are not signed; the signed ones after them vouch for them" in found.notes


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
    assert f"{folder.path.name}: it is still running" in running.notes
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
    assert "it left no ledger that could be judged, and so is inconclusive" in "\n".join(found.notes)
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


@pytest.mark.parametrize(("public_key", "head"), [(b"nonsense", None), (None, "abc"), (None, "A" * 64)])
def test_a_key_or_head_that_is_none_is_refused(
    root: Path, public_key: bytes | None, head: str | None
) -> None:
    with pytest.raises(EvidenceError):
        verify(root, public_key=public_key, head=head)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no such folder"):
        verify(tmp_path / "none")


def _closed(root: Path) -> Closed:
    """The closed line of the first run."""
    record = run_records(read_entries((root / "chain.jsonl").read_bytes()))[0]
    assert record.closed is not None
    return record.closed


def _rewrite(root: Path, **changes: object) -> None:
    """Change every line and mend all hashes, as someone without the key can."""
    forged: list[bytes] = []
    for raw in split((root / "chain.jsonl").read_bytes()):
        content = {**json.loads(raw), **changes, "prev": line_hash(forged[-1]) if forged else "0" * 64}
        forged.append(canonical(content) + b"\n")
    (root / "chain.jsonl").write_bytes(b"".join(forged))
