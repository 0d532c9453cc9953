from __future__ import annotations

from hashlib import sha256

import pytest

from drills.payload import digest, payload


def test_anyone_can_make_a_payload_again() -> None:
    assert payload(7, "orders", 12) == payload(7, "orders", 12)
    assert payload(7, "orders", 0) == (b"25e9a8227f9fd349d3a067d8295ae7d0fb3813b8e5fbd8cbc66d27d68cd810e0")


def test_no_two_numbers_streams_or_seeds_share_one() -> None:
    made = {payload(seed, stream, number) for seed in (1, 2) for stream in "ab" for number in range(50)}

    assert len(made) == 200


@pytest.mark.parametrize("size_bytes", [1, 63, 64, 4096])
def test_a_payload_is_printable_and_as_long_as_asked(size_bytes: int) -> None:
    made = payload(7, "orders", 3, size_bytes=size_bytes)

    assert (len(made), made.isalnum()) == (size_bytes, True)


def test_a_digest_is_lowercase_sha256() -> None:
    assert digest(b"x") == sha256(b"x").hexdigest()
