"""Heads kept elsewhere: what a crash or a full disk tore off takes no other line with it, and is no head."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.lines.heads import Kept, given_heads, keep_head, read_heads

FIRST = Kept("2026-01-01T00:00:00.000000Z", "p", None, "a" * 64)
NEXT = Kept("2026-01-02T00:00:00.000000Z", "p", "3f9a12c4-0000-4000-8000-000000000000", "c" * 64)
WHOLE = json.dumps(asdict(Kept("2026-01-01T12:00:00.000000Z", "p", None, "b" * 64)), sort_keys=True).encode()


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    path = tmp_path / "there" / "heads.jsonl"
    keep_head(path, FIRST)
    return path


@pytest.mark.parametrize("length", [1, 10, 75, len(WHOLE) - 1])
def test_a_line_that_was_torn_off_is_no_head_and_takes_none_with_it(heads: Path, length: int) -> None:
    with heads.open("ab") as file:
        file.write(WHOLE[:length])
    assert read_heads(heads) == (FIRST,)
    keep_head(heads, NEXT)
    notes: list[str] = []
    assert read_heads(heads, notes.append) == (FIRST, NEXT)
    assert notes == [f'line 2 of the heads in "{heads}" was torn off, and is no head']
    assert given_heads(str(heads)) == (FIRST.head, NEXT.head)


def test_blocks_that_never_reached_the_disk_are_no_head(heads: Path) -> None:
    with heads.open("ab") as file:
        file.write(b"\0" * 120)
    keep_head(heads, NEXT)
    assert read_heads(heads) == (FIRST, NEXT)


def test_a_head_of_which_only_the_end_of_its_line_was_torn_off_is_one(heads: Path) -> None:
    with heads.open("ab") as file:
        file.write(WHOLE)
    assert [kept.head for kept in read_heads(heads)] == ["a" * 64, "b" * 64]
    keep_head(heads, NEXT)
    assert [kept.head for kept in read_heads(heads)] == ["a" * 64, "b" * 64, "c" * 64]


def test_where_every_line_was_torn_off_there_are_no_heads(tmp_path: Path) -> None:
    path = tmp_path / "heads.jsonl"
    path.write_bytes(WHOLE[:20] + b"\n" + WHOLE[:90] + b"\n\n" + WHOLE[:5])
    notes: list[str] = []
    assert read_heads(path, notes.append) == ()
    assert len(notes) == 4
    with pytest.raises(EvidenceError, match="there are none"):
        given_heads(str(path))


def test_a_whole_line_that_is_no_head_is_not_passed_over(heads: Path) -> None:
    for line, why in (
        (WHOLE.replace(b"b" * 64, b"b" * 63), "not 64 lowercase hex digits"),
        (b"null", "it is no head"),
        (b'{"head": "' + b"b" * 64 + b'"}', "it is no head"),
    ):
        kept = heads.read_bytes()
        heads.write_bytes(kept + line + b"\n")
        with pytest.raises(EvidenceError, match=f"line 2: .*{why}"):
            read_heads(heads)
        heads.write_bytes(kept)


def test_nothing_is_kept_where_nothing_was(tmp_path: Path) -> None:
    assert read_heads(tmp_path / "none.jsonl") == ()
    (tmp_path / "empty.jsonl").touch()
    assert read_heads(tmp_path / "empty.jsonl") == ()
