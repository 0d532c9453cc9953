"""Ed25519 signatures over the lines of the chain. Signatures are strict lowercase hex."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rto_rpo.durable import sync_folder
from rto_rpo.evidence import EvidenceError

_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What anyone may have: it checks signatures and makes none."""

    raw: bytes

    @property
    def identity(self) -> str:
        """16 hex digits: the start of the SHA-256 of the raw 32 bytes."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def pem(self) -> bytes:
        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def holds(self, content: bytes, signature: str) -> bool:
        """Whether the signature (128 lowercase hex digits) is this key's over exactly these bytes."""
        if not _SIGNATURE.fullmatch(signature):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(bytes.fromhex(signature), content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key. Its bytes stay out of `repr`."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        raw = self._private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return PublicKey(raw)

    @property
    def public_hex(self) -> str:
        return self.public.raw.hex()

    def sign(self, content: bytes) -> str:
        """128 lowercase hex digits."""
        return self._private.sign(content).hex()


def load_key(path: Path) -> SigningKey:
    """Read a private key (PKCS#8 PEM). Raises EvidenceError when it cannot be read or is no Ed25519 key."""
    try:
        return parse_key(path.read_bytes())
    except OSError as error:
        raise EvidenceError(
            f'cannot read the signing key "{path}": {error.strerror}',
            hint="`openssl genpkey -algorithm ed25519 -out KEY` makes one",
        ) from None
    except EvidenceError as error:
        raise EvidenceError(f'cannot use the signing key "{path}": {error}', hint=error.hint) from None


def parse_key(pem: bytes) -> SigningKey:
    """The private key in PKCS#8 PEM text. Raises EvidenceError when it is not an Ed25519 key."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise EvidenceError(
            "it is not an unencrypted Ed25519 private key in PEM",
            hint="`openssl genpkey -algorithm ed25519 -out KEY` makes one",
        )
    return SigningKey(key)


def new_key(path: Path) -> SigningKey:
    """Make a private key and write it for its owner alone (mode 0600).

    Raises EvidenceError when the file exists: a key that signed evidence must not get lost.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EvidenceError(f'cannot make the signing key "{path}": {error.strerror}') from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return SigningKey(private)


def parse_public_key(content: bytes) -> PublicKey:
    """A public key from PEM exactly as blackstart and openssl write it, or from its 32 raw bytes.

    Raises EvidenceError for anything else. Being strict here is what shows a changed byte in the file.
    """
    if len(content) == 32:
        return PublicKey(content)
    try:
        loaded = serialization.load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        loaded = None
    if isinstance(loaded, Ed25519PublicKey):
        key = PublicKey(loaded.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))
        if key.pem == content:
            return key
    raise EvidenceError(
        "it is not an Ed25519 public key in PEM",
        hint="`openssl pkey -in KEY -pubout` writes the public half of a key",
    )
