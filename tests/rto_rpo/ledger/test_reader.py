"""Every way in which a ledger can be damaged ends in an error that names the line and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from tests.rto_rpo.contradictions import CONTRADICTIONS, chained
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
    write_ledger,
)  # fmt: skip

Lines = list[dict[str, Any]]


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
