from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from rto_rpo.evidence.lines.line import LineError, build, parse, schema, split

OPENED = {
    "schema": "blackstart/chain/1",
    "kind": "opened",
    "seq": 0,
    "prev": "0" * 64,
    "utc": "2026-11-22T06:00:00.000000Z",
    "run": "3f9a12c4-0000-4000-8000-000000000000",
    "plan": "trading-desk",
    "plan_sha256": "a" * 64,
    "drill": "kill-primary",
    "folder": "2026-11-22T060000Z-kill-primary-3f9a12c4",
    "key": None,
    "signature": None,
}


def test_a_line_reads_back_as_it_was_written() -> None:
    line = build(OPENED)
    assert parse(line.raw()) == line
    assert json.loads(line.raw()) == OPENED


def test_a_line_keeps_to_its_published_schema() -> None:
    validator = Draft202012Validator(schema())
    validator.validate(OPENED)
    assert not validator.is_valid({**OPENED, "kind": "closed"})
    assert not validator.is_valid({**OPENED, "more": 1})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({**OPENED, "more": 1}, "more: Extra inputs"),
        ({**OPENED, "seq": "0"}, "seq: Input should be a valid integer"),
        ({**OPENED, "seq": True}, "seq: Input should be a valid integer"),
        ({**OPENED, "prev": "A" * 64}, "prev: String should match"),
        ({**OPENED, "folder": "../../etc"}, "folder: String should match"),
        ({**OPENED, "folder": "2026-11-22T060000Z-a/b-3f9a12c4"}, "folder: String should match"),
        ({**OPENED, "run": "3f9a12c4-0000-4000-8000-000000000000\n"}, "run: String should match"),
        ({**OPENED, "kind": "renamed"}, "line: "),
        ({**OPENED, "schema": "blackstart/chain/2"}, "schema 'blackstart/chain/2' is not"),
    ],
)
def test_what_is_no_line_says_why(content: dict[str, object], reason: str) -> None:
    raw = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    with pytest.raises(LineError, match=reason):
        parse(raw)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b'"seq":0', b'"seq": 0'),
        lambda raw: raw.replace(b'"seq":0', b'"seq":0,"seq":0'),
        lambda raw: raw[:-1] + b" \n",
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda _: b"[" * 100_000 + b"\n",
        lambda _: b"null\n",
        lambda _: b"\n",
    ],
)
def test_one_content_has_one_spelling(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(LineError):
        parse(spoil(build(OPENED).raw()))


def test_lines_end_at_line_feeds_only() -> None:
    assert split(b"") == []
    assert split(b"a\r\x0bb\nc\n") == [b"a\r\x0bb\n", b"c\n"]
    assert split(b"a\nb") == [b"a\n", b"b"]
