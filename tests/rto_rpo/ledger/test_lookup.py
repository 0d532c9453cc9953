from __future__ import annotations

from pathlib import Path

import pytest

from rto_rpo.ledger.lookup import payloads
from tests.rto_rpo.ledgers import T0, PlantedDrill, end, header, sha256_of, write_ledger


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
