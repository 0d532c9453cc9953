"""What a canary writes: bytes that anyone can make again from the seed, the stream and the number."""

from __future__ import annotations

from hashlib import sha256, shake_256

SIZE_BYTES = 64


def payload(seed: int, stream: str, number: int, *, size_bytes: int = SIZE_BYTES) -> bytes:
    """`size_bytes` of printable ASCII, safe inside JSON, SQL text and file names."""
    source = shake_256(f"{seed}/{stream}/{number}".encode())
    return source.hexdigest((size_bytes + 1) // 2)[:size_bytes].encode()


def digest(data: bytes) -> str:
    """How the ledger names a payload: its SHA-256 in lowercase hex."""
    return sha256(data).hexdigest()
