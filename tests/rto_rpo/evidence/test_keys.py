"""A key is changed by an entry that both keys sign; evidence of old keys goes on being verified."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.adding import rotate_key
from rto_rpo.evidence.lines.line import KeyRotated, build, line_hash, split
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.folders import add_run, findings
from tests.rto_rpo.report.runs import MET, MISSED

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[SigningKey]:
    folder = tmp_path_factory.mktemp("keys")
    return [new_key(folder / f"{number}.pem") for number in range(4)]


@pytest.fixture
def rotated(tmp_path: Path, keys: list[SigningKey]) -> Path:
    root = tmp_path / "evidence"
    add_run(root, MET, keys[0])
    rotate_key(root, plan="trading-desk", old=keys[0], new=keys[1], now=NOW)
    add_run(root, MISSED, keys[1])
    rotate_key(root, plan="trading-desk", old=keys[1], new=keys[2], now=NOW)
    return root


def test_every_key_of_the_chain_verifies_the_whole(rotated: Path, keys: list[SigningKey]) -> None:
    for key in keys[:3]:
        assert verify(rotated, public_key=key.public.pem).findings == ()
    assert verify(rotated).findings == ()


def test_a_key_that_is_none_of_the_chains_shows(rotated: Path, keys: list[SigningKey]) -> None:
    assert f"no line of the chain is signed by key {keys[3].public.identity}" in findings(rotated, keys[3])


def test_the_old_key_signs_no_more(rotated: Path, keys: list[SigningKey]) -> None:
    with pytest.raises(EvidenceError, match="it is signed by key"):
        rotate_key(rotated, plan="desk", old=keys[1], new=keys[3], now=NOW)


def test_a_replaced_public_key_shows(rotated: Path, keys: list[SigningKey]) -> None:
    (rotated / "public_key.pem").write_bytes(keys[1].public.pem)
    assert '"public_key.pem" was replaced' in findings(rotated)


def test_a_rotation_that_one_of_both_did_not_sign_shows(
    tmp_path: Path, rotated: Path, keys: list[SigningKey]
) -> None:
    """A thief of the old key alone names his own; or names a key that is well known, to borrow its name."""
    del tmp_path
    raws = split((rotated / "chain.jsonl").read_bytes())
    *before, last = raws
    line = build(json.loads(last))
    assert isinstance(line, KeyRotated)
    stolen, known = keys[1], keys[3]
    forged = line.model_copy(update={"new_public": known.public_hex})
    forged = forged.model_copy(update={"signature": stolen.sign(forged.signed_bytes())})
    (rotated / "chain.jsonl").write_bytes(b"".join([*before, forged.raw()]))
    assert "changes to a key whose holder did not sign that" in findings(rotated, known)
    unsigned = line.model_copy(update={"signature": None, "key": None})
    (rotated / "chain.jsonl").write_bytes(b"".join([*before, unsigned.raw()]))
    assert "is not signed by the old one" in findings(rotated)
    assert line_hash(last) != line_hash(unsigned.raw())


def test_nothing_is_rotated_where_nothing_is_signed(tmp_path: Path, keys: list[SigningKey]) -> None:
    root = tmp_path / "evidence"
    add_run(root, MET, None)
    with pytest.raises(EvidenceError, match="no line is signed yet"):
        rotate_key(root, plan="desk", old=keys[0], new=keys[1], now=NOW)
