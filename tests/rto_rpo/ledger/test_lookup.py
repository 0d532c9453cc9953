from __future__ import annotations

import json
from pathlib import Path

import pytest

from rto_rpo.ledger.lookup import payloads, writes_since
from tests.rto_rpo.ledgers import T0, PlantedDrill, end, header, operation, sha256_of, write_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return PlantedDrill().write(tmp_path / "ledger.jsonl")


@pytest.mark.parametrize("number", [0, 1, 57, 119, 258])
def test_finds_a_write_by_the_instant_of_its_completion(ledger: Path, number: int) -> None:
    since = PlantedDrill().due(number)
    assert payloads(ledger, {"orders": {number}}, since) == {("orders", number): sha256_of(number)}


def test_finds_many_from_the_earliest_on(ledger: Path) -> None:
    found = payloads(ledger, {"orders": {3, 200, 201}}, PlantedDrill().due(3))
    assert found == {("orders", number): sha256_of(number) for number in (3, 200, 201)}


def test_does_not_look_before_the_instant_given(ledger: Path) -> None:
    assert payloads(ledger, {"orders": {3}}, PlantedDrill().due(50)) == {}


def test_looks_at_nothing_where_nothing_is_wanted(tmp_path: Path) -> None:
    assert payloads(tmp_path / "absent.jsonl", {}, 0) == {}


def test_begins_with_the_first_line_where_all_are_of_one_instant(tmp_path: Path) -> None:
    path = write_ledger(tmp_path / "ledger.jsonl", header(), [end(T0)])
    assert payloads(path, {"orders": {3}}, 0) == {}


@pytest.mark.parametrize(
    "name", ["old", 'say "old"', "back\\slash", "Nürnberg", "tab\t", "a/b", "\U0001f525"]
)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_finds_the_writes_of_a_stream_however_its_name_is_written(
    tmp_path: Path, name: str, separators: tuple[str, str], *, ascii_only: bool
) -> None:
    """Lines that cannot be of that stream are not parsed; here each line is, to know what is wanted."""
    other = {"cause": f"not {name}", "address": name}
    records = [
        operation(0, T0, stream="orders", **other),
        operation(1, T0 + 1, stream=name),
        operation(2, T0 + 2, stream="orders"),
        operation(3, T0 + 3, stream=name, act="delete"),
        operation(4, T0 + 4, stream=name, cause='refused: "rows":[', address=name),
        {"kind": "read", "ns": T0 + 9, "stream": name, "rows": [[1, sha256_of(1, name)]]},
    ]
    path = tmp_path / "ledger.jsonl"
    lines = [json.dumps(one, ensure_ascii=ascii_only, separators=separators) for one in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert [write["number"] for write in writes_since(path, name, 0)] == [1, 4]
    assert [write["number"] for write in writes_since(path, name, T0 + 2)] == [4]
    assert [write["number"] for write in writes_since(path, "orders", 0)] == [0, 2]
