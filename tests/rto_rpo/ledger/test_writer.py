from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.writer import LedgerWriter
from tests.rto_rpo.ledgers import T0, end, event, header


def test_chains_every_line_to_the_bytes_of_the_one_before(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    seqs = [writer.append(record) for record in (header(), event("note", T0), end(T0 + 5))]
    sha256 = writer.close()
    raw = (tmp_path / "ledger.jsonl").read_bytes()
    lines = raw.splitlines(keepends=True)
    assert seqs == [0, 1, 2]
    assert [json.loads(line)["prev"] for line in lines] == [
        "0" * 64,
        hashlib.sha256(lines[0]).hexdigest(),
        hashlib.sha256(lines[1]).hexdigest(),
    ]
    assert sha256 == hashlib.sha256(raw).hexdigest()
    assert raw.endswith(b"\n")
    assert b", " not in lines[1]


def test_is_on_disk_after_sync(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    writer.append(header())
    writer.sync()
    assert [record["kind"] for record in read(tmp_path / "ledger.jsonl")] == ["header"]
    writer.close()


def test_closing_twice_gives_the_same_hash(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    writer.append(header())
    assert writer.close() == writer.close()


def test_never_overwrites_a_ledger(tmp_path: Path) -> None:
    LedgerWriter(tmp_path / "ledger.jsonl").close()
    with pytest.raises(FileExistsError):
        LedgerWriter(tmp_path / "ledger.jsonl")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (event("note", T0 - 1), "the clock went back"),
        (header(), "begins with its header and has no other"),
        ({"kind": "note", "ns": T0}, "kind"),
        ({**event("note", T0), "seq": 7}, "leave them out"),
        ({**event("note", T0), "prev": "1" * 64}, "leave them out"),
        ({**event("note", T0), "colour": "red"}, "colour"),
        (event("fault_effective", T0, holds="yes", how="looked"), "holds"),
        ({"kind": "end", "reason": "stable"}, "ns"),
    ],
)
def test_refuses_what_is_malformed_and_writes_nothing(
    tmp_path: Path, record: dict[str, object], reason: str
) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    writer.append(header())
    with pytest.raises(LedgerError, match=reason) as refused:
        writer.append(record)
    assert refused.value.line == 2
    assert writer.append(event("note", T0)) == 1
    writer.close()
    assert len(list(read(tmp_path / "ledger.jsonl"))) == 2


def test_refuses_a_first_record_that_is_no_header(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    with pytest.raises(LedgerError, match="begins with its header"):
        writer.append(event("note", T0))
    writer.close()


def test_refuses_a_record_after_the_end(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "ledger.jsonl")
    writer.append(header())
    writer.append(end(T0))
    with pytest.raises(LedgerError, match="has ended"):
        writer.append(event("note", T0))
    writer.close()
