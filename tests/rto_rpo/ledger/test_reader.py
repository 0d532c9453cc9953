"""Every way in which a ledger can be damaged ends in an error that names the line and the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from tests.rto_rpo.ledgers import (
    BOOT,
    MS,
    T0,
    PlantedDrill,
    end,
    event,
    header,
    intents,
    operation,
    reading,
    sha256_of,
    stream,
    write_ledger,
)  # fmt: skip

Lines = list[dict[str, Any]]


def chained(path: Path, records: Lines) -> Path:
    """Write records as they are, `seq` and `prev` right wherever they are missing: no writer would."""
    prev, raw = "0" * 64, b""
    for seq, record in enumerate(records):
        line = json.dumps({"seq": seq, "prev": prev, **record}).encode() + b"\n"
        prev, raw = hashlib.sha256(line).hexdigest(), raw + line
    path.write_bytes(raw)
    return path


def refusal(path: Path) -> LedgerError:
    with pytest.raises(LedgerError) as refused:
        list(read(path))
    return refused.value


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return PlantedDrill(deleted={3: "acknowledged"}).write(tmp_path / "ledger.jsonl")


def test_gives_every_record_in_order(ledger: Path) -> None:
    records = list(read(ledger))
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert records[0]["kind"] == "header"
    assert records[-1]["kind"] == "end"


def test_reads_what_other_programs_wrote(tmp_path: Path) -> None:
    records = [header(), intents(0, 1, T0), operation(0, T0), end(T0 + 9 * MS)]
    assert len(list(read(chained(tmp_path / "ledger.jsonl", records)))) == 4


def test_a_line_cut_off_by_a_power_cut(ledger: Path) -> None:
    raw = ledger.read_bytes()
    ledger.write_bytes(raw[:-30])
    assert refusal(ledger).line == len(raw.splitlines())
    assert "cut off" in refusal(ledger).reason


def test_an_empty_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"")
    assert "empty" in refusal(tmp_path / "ledger.jsonl").reason


def test_interleaved_writers(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([*lines[:5], lines[4], *lines[5:]]))
    assert refusal(ledger).line == 6
    assert "two wrote at once" in refusal(ledger).reason


def test_a_line_that_is_missing(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:8] + lines[9:]))
    assert (refusal(ledger).line, refusal(ledger).reason[:10]) == (9, "seq is 9 w")


def test_a_line_that_was_changed(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if b"acknowledged" in line)
    lines[place] = lines[place].replace(b"acknowledged", b"failed")
    ledger.write_bytes(b"".join(lines))
    assert refusal(ledger).line == place + 2
    assert "the chain is broken" in refusal(ledger).reason


def test_bytes_that_are_no_json(ledger: Path) -> None:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join([*lines[:3], b"{nonsense\n", *lines[3:]]))
    assert refusal(ledger).line == 4
    assert "not JSON" in refusal(ledger).reason


def test_json_that_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(b"[1, 2]\n")
    assert refusal(tmp_path / "ledger.jsonl").line == 1


CONTRADICTIONS: dict[str, tuple[Callable[[], Lines], int, str]] = {
    "clock": (lambda: [header(), event("note", T0 + 2), event("note", T0 + 1)], 3, "the clock went back"),
    "no header": (lambda: [event("note", T0)], 1, "begins with its header"),
    "second header": (lambda: [header(), header()], 2, "a second header, of this boot"),
    "second boot": (lambda: [header(), header(boot="other")], 2, "a second header, of another boot"),
    "other boot": (
        lambda: [header(), {"kind": "anchor", "ns": T0, "utc": "2026-11-22T06:00:00Z", "boot": "other"}],
        2,
        "a record of boot other",
    ),
    "after the end": (lambda: [header(), end(T0), event("note", T0)], 3, "after the end"),
    "future schema": (lambda: [header(schema="blackstart/ledger/2")], 1, "newer than this judge"),
    "unknown schema": (lambda: [header(schema="other/1")], 1, "is not known"),
    "unknown kind": (lambda: [header(), {"kind": "rumour", "ns": T0}], 2, "kind"),
    "unknown field": (lambda: [header(), {**event("note", T0), "colour": "red"}], 2, "colour"),
    "unknown event": (lambda: [header(), event("lunch", T0)], 2, "event"),
    "float instant": (lambda: [header(), {**event("note", T0), "ns": float(T0)}], 2, "ns"),
    "no intent": (lambda: [header(), operation(0, T0)], 2, "outcome of write 0, which was never intended"),
    "beyond its intents": (
        lambda: [header(), intents(0, 2, T0), operation(2, T0 + 20 * MS)],
        3,
        "outcome of write 2, which was never intended",
    ),
    "second outcome": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0), operation(0, T0, outcome="failed")],
        4,
        "a second outcome of write 0",
    ),
    "second intent": (
        lambda: [header(), intents(0, 3, T0), intents(2, 1, T0)],
        3,
        "write 2 was intended before",
    ),
    "other schedule": (
        lambda: [header(), intents(0, 2, T0), operation(1, T0 + 11 * MS)],
        3,
        "was due at",
    ),
    "completed before sent": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, completed_ns=T0 - 1, ns=T0)],
        3,
        "out of order",
    ),
    "recorded before completed": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, ns=T0 + MS - 1)],
        3,
        "out of order",
    ),
    "write without payload": (
        lambda: [header(), intents(0, 1, T0), _without(operation(0, T0), "payload")],
        3,
        "has no payload",
    ),
    "payload in capitals": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, payload=sha256_of(0).upper())],
        3,
        "payload",
    ),
    "unknown stream": (lambda: [header(), intents(0, 1, T0, stream="other")], 2, "stream 'other' is not in"),
    "two streams of one name": (lambda: [header(streams=[stream(), stream()])], 1, "two streams are named"),
    "delete of the unknown": (
        lambda: [header(), intents(0, 1, T0, act="delete")],
        2,
        "delete of 0, a write that was never intended",
    ),
    "second delete": (
        lambda: [header(), intents(0, 1, T0), *[intents(0, 1, T0 + each, act="delete") for each in (1, 2)]],
        4,
        "delete 0 was intended before",
    ),
    "delete of two": (
        lambda: [header(), intents(0, 2, T0), intents(0, 2, T0, act="delete")],
        3,
        "its count is 1",
    ),
    "outcome of no delete": (
        lambda: [header(), intents(0, 1, T0), operation(0, T0, act="delete")],
        3,
        "outcome of delete 0, which was never intended",
    ),
    "row in capitals": (
        lambda: [header(), *reading([(0, "A" * 64)], T0)],
        2,
        "rows.0.1",
    ),
    "row out of range": (lambda: [header(), *reading([(-1, sha256_of(0))], T0)], 2, "rows.0.0"),
    "second reading": (
        lambda: [header(), *reading([], T0), *reading([], T0)],
        3,
        "a second reading, though the first one counted",
    ),
    "more of a reading that counted": (
        lambda: [header(), *reading([], T0), *reading([(0, sha256_of(0))], T0)],
        3,
        "a second reading, though the first one counted",
    ),
}


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction(tmp_path: Path, name: str) -> None:
    make, line, reason = CONTRADICTIONS[name]
    found = refusal(chained(tmp_path / "ledger.jsonl", make()))
    assert (found.line, reason in found.reason) == (line, True), found.reason


def test_a_missing_end_is_no_error_while_a_run_goes_on(tmp_path: Path) -> None:
    path = write_ledger(tmp_path / "ledger.jsonl", header(), [event("note", T0)])
    assert [record["kind"] for record in read(path)] == ["header", "event"]


def test_an_anchor_may_repeat_the_boot(tmp_path: Path) -> None:
    anchor = {"kind": "anchor", "ns": T0, "utc": "2026-11-22T06:00:00.5Z", "boot": BOOT}
    path = write_ledger(tmp_path / "ledger.jsonl", header(), [anchor])
    assert len(list(read(path))) == 2
