from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from rto_rpo.evidence.lines.history import chain_findings, read_entries, run_records
from rto_rpo.evidence.lines.line import build, canonical, line_hash
from rto_rpo.evidence.lines.signature import PublicKey, SigningKey, new_key
from tests.rto_rpo.evidence.chains import PLANS, findings, make_chain


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return new_key(tmp_path_factory.mktemp("key") / "key.pem")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> list[bytes]:
    return make_chain(tmp_path_factory.mktemp("evidence"), key, PLANS[1:])


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return make_chain(tmp_path_factory.mktemp("unsigned"), None)


def rewritten(lines: list[bytes], place: int, **changes: object) -> list[bytes]:
    """The lines after someone without the key changed one and mended all hashes after it."""
    forged: list[bytes] = []
    for number, raw in enumerate(lines):
        content = json.loads(raw)
        content["prev"] = line_hash(forged[-1]) if forged else "0" * 64
        forged.append(canonical({**content, **(changes if number == place else {})}) + b"\n")
    return forged


def test_an_untouched_chain_has_no_findings(lines: list[bytes], key: SigningKey) -> None:
    assert findings(b"".join(lines), key.public) == []
    assert len(run_records(read_entries(b"".join(lines)))) == 2


def test_every_changed_byte_shows(lines: list[bytes], key: SigningKey) -> None:
    whole = b"".join(lines)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        assert findings(bytes(changed), key.public), f"byte {place}"


def test_a_byte_changed_into_any_other_shows(lines: list[bytes], key: SigningKey) -> None:
    for place in range(0, len(lines[-1]), 211):
        for value in range(256):
            if value != lines[-1][place]:
                changed = lines[-1][:place] + bytes([value]) + lines[-1][place + 1 :]
                assert findings(b"".join(lines[:-1]) + changed, key.public)


def test_a_chain_cut_within_a_line_shows(lines: list[bytes]) -> None:
    whole = b"".join(lines)
    ends = {sum(map(len, lines[:count])) for count in range(len(lines) + 1)}
    for length in set(range(len(whole))) - ends:
        assert any("cut off" in finding for finding in chain_findings(read_entries(whole[:length])))


@pytest.mark.parametrize("signed", [True, False])
def test_every_deleted_line_but_the_last_shows(
    lines: list[bytes], unsigned: list[bytes], key: SigningKey, *, signed: bool
) -> None:
    chosen, public = (lines, key.public) if signed else (unsigned, None)
    for place in range(len(chosen) - 1):
        left = b"".join(chosen[:place] + chosen[place + 1 :])
        assert f"chain line with seq {place} is missing: it was deleted" in findings(left, public)


def test_a_deleted_stretch_is_named_whole(lines: list[bytes], key: SigningKey) -> None:
    left = b"".join(lines[:1] + lines[3:])
    assert "chain lines with seq 1 to 2 are missing: they were deleted" in findings(left, key.public)


@pytest.mark.parametrize("signed", [True, False])
def test_every_pair_of_swapped_lines_shows(
    lines: list[bytes], unsigned: list[bytes], key: SigningKey, *, signed: bool
) -> None:
    chosen, public = (lines, key.public) if signed else (unsigned, None)
    for one, other in combinations(range(len(chosen)), 2):
        swapped = list(chosen)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        assert any("reordered" in finding for finding in findings(b"".join(swapped), public))


@pytest.mark.parametrize("signed", [True, False])
def test_every_copied_line_shows_wherever_it_is_put(
    lines: list[bytes], unsigned: list[bytes], key: SigningKey, *, signed: bool
) -> None:
    chosen, public = (lines, key.public) if signed else (unsigned, None)
    for line in chosen:
        for place in range(len(chosen) + 1):
            copied = b"".join([*chosen[:place], line, *chosen[place:]])
            assert any("was copied from line" in finding for finding in findings(copied, public))


def test_an_edited_line_shows_by_the_hash_after_it(unsigned: list[bytes]) -> None:
    edited = list(unsigned)
    edited[1] = canonical({**json.loads(edited[1]), "verdict": "missed"}) + b"\n"
    (finding,) = findings(b"".join(edited), None)
    assert finding.startswith("chain line 2 or 3 was edited")


def test_an_edited_first_hash_shows(unsigned: list[bytes]) -> None:
    edited = [canonical({**json.loads(unsigned[0]), "prev": "1" * 64}) + b"\n", *unsigned[1:]]
    assert "chain line 1 was edited: it says that a line came before it" in findings(b"".join(edited), None)


def test_a_chain_rewritten_without_the_key_has_wrong_signatures(lines: list[bytes], key: SigningKey) -> None:
    forged = rewritten(lines, 1, verdict="missed")
    assert list(chain_findings(read_entries(b"".join(forged)))) == []
    wrong = findings(b"".join(forged), key.public)
    assert len(wrong) == len(lines) - 1
    assert all("has a wrong signature" in finding for finding in wrong)


def test_a_signature_that_was_taken_away_shows(lines: list[bytes], key: SigningKey) -> None:
    forged = rewritten(lines, len(lines) - 1, signature=None)
    assert any(
        "is not signed, although a line before it is" in f for f in findings(b"".join(forged), key.public)
    )
    first = rewritten(lines[:1], 0, signature=None)
    assert any("its signature was taken away" in f for f in findings(b"".join(first), key.public))


def test_another_key_shows(lines: list[bytes], tmp_path: Path) -> None:
    other = new_key(tmp_path / "other.pem").public
    assert all(f"not by key {other.identity}" in finding for finding in findings(b"".join(lines), other))


def test_signed_lines_without_a_key_to_check_them_show(lines: list[bytes]) -> None:
    assert all("no public key to check it with" in finding for finding in findings(b"".join(lines), None))


def test_a_signed_line_vouches_for_unsigned_ones_before_it(unsigned: list[bytes], key: SigningKey) -> None:
    last = build({**json.loads(unsigned[-1]), "key": key.public.identity})
    last = last.model_copy(update={"signature": key.sign(last.signed_bytes())})
    assert findings(b"".join(unsigned[:-1]) + last.raw(), key.public) == []


def test_a_huge_seq_costs_nothing(unsigned: list[bytes], key: SigningKey) -> None:
    far = canonical({**json.loads(unsigned[-1]), "seq": 10**15}) + b"\n"
    assert any("are missing" in finding for finding in findings(b"".join(unsigned[:-1]) + far, key.public))


def test_a_public_key_of_nonsense_holds_nothing(lines: list[bytes]) -> None:
    assert findings(b"".join(lines), PublicKey(bytes(32)))
