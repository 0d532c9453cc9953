"""Secrets must not show, whole or in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sites.drivers.captured import Captured
from sites.drivers.masking import MASK, mask, mask_torn, register_secret


def test_a_registered_secret_and_its_form_in_a_url_are_masked() -> None:
    register_secret("p@ss/registered")

    assert (
        mask("postgres://me:p%40ss%2Fregistered@host p@ss/registered") == f"postgres://me:{MASK}@host {MASK}"
    )


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert mask("abcdef", ["abc", "abcdef"]) == MASK


def test_nothing_is_no_secret() -> None:
    register_secret("")

    assert mask("as it was", [""]) == "as it was"


def test_a_secret_torn_in_two_is_masked_on_both_sides() -> None:
    assert mask_torn("left sword", "fish right", ["swordfish"]) == (f"left {MASK}", f"{MASK} right")


def test_secrets_that_overlap_are_all_covered() -> None:
    assert mask("see swordfishing there", ["swordfish", "fishing"]) == f"see {MASK} there"
    assert mask("aaaaa", ["aaa"]) == MASK


def test_a_piece_of_one_secret_does_not_hide_a_longer_piece_of_another() -> None:
    assert mask_torn("left swordl", "", ["swordfish", "lion", "swordl-ocean"]) == (f"left {MASK}", "")
    assert mask_torn("", "nfish right", ["lion", "n-nfish"]) == ("", f"{MASK} right")


@given(
    before=st.text("xyz", max_size=40),
    after=st.text("xyz", max_size=40),
    secret=st.text("abc", min_size=4, max_size=12),
    bound=st.integers(2, 60),
)
def test_no_bound_lets_a_piece_of_a_secret_through(before: str, after: str, secret: str, bound: int) -> None:
    sink = Captured(bound)
    sink.feed(f"{before}{secret}{after}".encode())
    shown = sink.masked([secret]).partition("\n[... ")

    assert not set("abc") & set(shown[0])
    assert not set("abc") & set(shown[2].partition(" ...]\n")[2])


@given(chunks=st.lists(st.binary(max_size=30), max_size=30), bound=st.integers(2, 100))
def test_what_is_kept_is_the_beginning_and_the_end(chunks: list[bytes], bound: int) -> None:
    whole = b"".join(chunks)
    sink = Captured(bound)
    for chunk in chunks:
        sink.feed(chunk)
    kept = len(whole) - sink.dropped_bytes
    half = bound // 2

    assert kept == min(len(whole), 2 * half)
    if not sink.dropped_bytes:
        assert sink.text() == whole.decode(errors="replace")
    else:
        assert sink.text().startswith(whole[:half].decode(errors="replace"))
        assert sink.text().endswith(whole[-half:].decode(errors="replace"))
        assert f"[... {sink.dropped_bytes} bytes dropped ...]" in sink.text()
