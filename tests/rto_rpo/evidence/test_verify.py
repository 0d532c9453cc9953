from __future__ import annotations

import json
import shutil
from itertools import permutations
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.line import canonical, line_hash, split
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.folders import (
    RUNS,
    add_run,
    findings,
    folders,
    make_folder,
)
from tests.rto_rpo.report.runs import MET

DRAWN = "6 pages were drawn again and are the same, byte for byte"


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
        DRAWN,
    )


def test_a_head_kept_elsewhere_anchors_the_chain(root: Path, key: SigningKey) -> None:
    lines = split((root / "chain.jsonl").read_bytes())
    found = verify(root, public_key=key.public.pem, head=chain.head(root))
    assert (found.intact, found.anchored, found.notes) == (True, True, ("head anchored", DRAWN))
    earlier = verify(root, public_key=key.public.pem, head=line_hash(lines[1]))
    assert (earlier.intact, earlier.anchored) == (True, True)
    assert earlier.notes == ("head anchored; 5 lines were added since", DRAWN)


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
    assert (
        unsigned.findings
    )  # who rewrites it has to draw its pages anew, too: they show the heads of that time
    assert all(one.endswith("is not what its report and the chain give") for one in unsigned.findings)
    assert "NOT SIGNED: whoever can write to this folder can rewrite it" in unsigned.notes
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
    assert "NOT SIGNED: whoever can write to this folder can rewrite it" in found.notes


def test_unsigned_runs_before_the_first_signed_one_are_vouched_for(tmp_path: Path, key: SigningKey) -> None:
    add_run(tmp_path / "evidence", RUNS[0], None)
    add_run(tmp_path / "evidence", RUNS[1], key)
    found = verify(tmp_path / "evidence", public_key=key.public.pem)
    assert found.intact
    assert "the first 2 lines are not signed; the signed ones after them vouch for them" in found.notes


@pytest.mark.parametrize(("public_key", "head"), [(b"nonsense", None), (None, "abc"), (None, "A" * 64)])
def test_a_key_or_head_that_is_none_is_refused(
    root: Path, public_key: bytes | None, head: str | None
) -> None:
    with pytest.raises(EvidenceError):
        verify(root, public_key=public_key, head=head)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no such folder"):
        verify(tmp_path / "none")


def _rewrite(root: Path, **changes: object) -> None:
    """Change every line and mend all hashes, as someone without the key can."""
    forged: list[bytes] = []
    for raw in split((root / "chain.jsonl").read_bytes()):
        content = {**json.loads(raw), **changes, "prev": line_hash(forged[-1]) if forged else "0" * 64}
        forged.append(canonical(content) + b"\n")
    (root / "chain.jsonl").write_bytes(b"".join(forged))
