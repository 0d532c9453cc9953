"""Evidence that nobody signed: whoever can write there can rewrite it, and every page and check says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.controls.profile import profile, shipped
from rto_rpo.dossier.dossier import as_things_stand
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.lines.signature import new_key
from rto_rpo.website.build import build
from tests.rto_rpo.controls.assessing import strip_signatures
from tests.rto_rpo.evidence.folders import NOW, add_run, findings
from tests.rto_rpo.evidence.stranger import stranger
from tests.rto_rpo.report.runs import MET, PLAN, Run

SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8)
KEYED = replace(SMALL, plan=PLAN + b"evidence: {key: {file: secrets/evidence.pem}}\n")
TOLD = "NOT SIGNED"


def stripped(root: Path, run: Run) -> Path:
    """Signed, and then by a hand without the key written anew, the key beside it gone."""
    add_run(root, run, new_key(root.parent / "key.pem"))
    assert verify(root).intact
    (root / "public_key.pem").unlink()
    strip_signatures(root)
    return root


def test_a_plan_that_names_a_key_makes_an_unsigned_chain_a_difference(tmp_path: Path) -> None:
    root = stripped(tmp_path / "evidence", KEYED)
    assert 'is not signed, although "plan.yaml" of its run names a key' in findings(root)
    told = as_things_stand(read_shelf(root), "trading-desk", NOW, [profile(name) for name in shipped()])
    assert not any(one.count("met") for one in told.mappings)


@pytest.mark.parametrize("key", ["~", "null", ""])
def test_a_plan_that_names_none_says_nothing_of_signatures(tmp_path: Path, key: str) -> None:
    run = replace(SMALL, plan=PLAN + f"evidence: {{key: {key}}}\n".encode())
    add_run(tmp_path / "evidence", run, None)
    assert verify(tmp_path / "evidence").intact


def test_without_a_key_from_elsewhere_all_can_be_rewritten_and_is_shown_as_such(tmp_path: Path) -> None:
    """A hand that takes the key out of the plan, too, leaves what never had any."""
    root = tmp_path / "evidence"
    add_run(root, SMALL, None)
    found = verify(root)
    assert found.intact
    assert any(note.startswith(f"{TOLD}: ") for note in found.notes)
    assert TOLD in stranger(root).said
    public = tmp_path / "public.pem"
    other = new_key(tmp_path / "other.pem").public.pem
    public.write_bytes(other)
    assert not verify(root, public_key=other).intact
    assert stranger(root, str(public)).code == 1


def pages(root: Path, site: Path) -> dict[str, str]:
    build(root, site, now=datetime(2026, 12, 1, tzinfo=UTC), profiles=[profile("dora")])
    found = [*site.rglob("*.html"), *root.rglob("report.html"), *root.rglob("report.md")]
    return {path.relative_to(root.parent).as_posix(): path.read_text() for path in found}


def test_every_page_on_unsigned_evidence_says_so_and_no_page_on_signed_does(tmp_path: Path) -> None:
    for name, key in (("none", None), ("signed", new_key(tmp_path / "key.pem"))):
        root = tmp_path / name / "evidence"
        add_run(root, SMALL, key)
        add_run(root, replace(SMALL, number=2), key)
        found = pages(root, tmp_path / name / "site")
        assert len(found) >= 11
        assert {path for path, text in found.items() if TOLD in text} == (set() if key else set(found))
        assert verify(root).intact
