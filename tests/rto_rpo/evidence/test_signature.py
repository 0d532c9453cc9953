from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.lines.signature import load_key, new_key, parse_key, parse_public_key


def test_a_new_key_is_for_its_owner_alone_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = new_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(path).public_hex == key.public_hex
    assert len(key.public.identity) == 16


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem")
    with pytest.raises(EvidenceError, match="File exists"):
        new_key(tmp_path / "key.pem")


def test_a_key_does_not_print_itself(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.pem")
    assert "PrivateKey" not in repr(key)


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="No such file") as caught:
        load_key(tmp_path / "none.pem")
    assert "openssl genpkey" in str(caught.value.hint)


def test_only_an_ed25519_key_will_do() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(EvidenceError, match="not an unencrypted Ed25519"):
        parse_key(pem)
    with pytest.raises(EvidenceError, match="not an unencrypted Ed25519"):
        parse_key(b"nonsense")


def test_a_signature_holds_for_these_bytes_and_this_key_only(tmp_path: Path) -> None:
    key, other = new_key(tmp_path / "a"), new_key(tmp_path / "b")
    signature = key.sign(b"what was said")
    assert key.public.holds(b"what was said", signature)
    assert not key.public.holds(b"what was sajd", signature)
    assert not other.public.holds(b"what was said", signature)


@pytest.mark.parametrize("spoil", [str.upper, lambda s: s[:-1], lambda s: s + "00", lambda s: " " + s[1:]])
def test_a_signature_is_strict_lowercase_hex(tmp_path: Path, spoil: object) -> None:
    key = new_key(tmp_path / "a")
    assert callable(spoil)
    assert not key.public.holds(b"x", spoil(key.sign(b"x")))


def test_a_public_key_reads_from_pem_and_from_raw_bytes(tmp_path: Path) -> None:
    public = new_key(tmp_path / "a").public
    assert parse_public_key(public.pem) == public
    assert parse_public_key(public.raw) == public


def test_every_changed_byte_of_a_public_key_shows(tmp_path: Path) -> None:
    public = new_key(tmp_path / "a").public
    for place in range(len(public.pem)):
        changed = bytearray(public.pem)
        changed[place] ^= 1
        try:
            assert parse_public_key(bytes(changed)) != public
        except EvidenceError:
            continue
