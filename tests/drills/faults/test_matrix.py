"""docs/faults.md claims no more than the tests do, and tells of every fault."""

from __future__ import annotations

import ast
from typing import get_args

import pytest

from drills.faults import KINDS
from sites.plan.faults import Fault
from tests.drills.faults import matrix


def test_the_page_says_what_the_tests_say() -> None:
    assert matrix.PAGE.read_text(encoding="utf-8") == matrix.page(), (
        "run: python -m tests.drills.faults.matrix"
    )


def test_a_claim_without_a_test_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with one test fewer, its cell is not tested, and the page is wrong."""
    claims = [cell for cell in matrix.cells() if cell.fault != "kill_site"]
    assert len(claims) < len(list(matrix.cells()))
    monkeypatch.setattr(matrix, "cells", lambda: iter(claims))
    assert matrix.PAGE.read_text(encoding="utf-8") != matrix.page()


def test_a_long_proof_that_never_passed_makes_no_cell_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the campaign's results, what it alone tries is not tested yet."""
    [row] = [line for line in matrix.table().splitlines() if line.startswith("| `pause_site` | postgres |")]
    assert "drill: met" in row
    monkeypatch.setattr(matrix, "passed", frozenset)
    [row] = [line for line in matrix.table().splitlines() if line.startswith("| `pause_site` | postgres |")]
    assert "drill: met" not in row
    assert matrix.NOT_YET in row


def test_what_a_site_refuses_is_known_to_the_faults() -> None:
    """By it an estate is told which of them could be done there."""
    seen = {(one.fault, one.site) for one in matrix.cells() if one.verdict == matrix.REFUSED}
    assert seen == {(kind.name, site) for kind in KINDS for site in kind.refused}


def test_a_verdict_that_is_claimed_is_expected_of_the_fault_and_asserted_by_its_test() -> None:
    expected = {kind.name: kind.expected for kind in KINDS}
    claims = [one for one in matrix.cells() if one.verdict not in (None, matrix.REFUSED)]
    assert len(claims) > 20
    wrong = [one for one in claims if str(one.verdict) not in expected[one.fault][one.dataset]]
    assert wrong == [], "docs/faults.md expects another verdict"
    silent = [one for one in claims if not asserted(one)]
    assert silent == [], "the test may end with another verdict"


def asserted(claim: matrix.Cell) -> bool:
    """Whether the test says that very word besides, itself or in what it calls of its own module."""
    path, _, name = claim.test.partition("::")
    tree = ast.parse((matrix.ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    test = functions[name]
    calls = [call for call in test.decorator_list if isinstance(call, ast.Call)]
    claims = {id(word.value) for call in calls for word in call.keywords}
    called = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)} & functions.keys()
    return any(
        isinstance(node, ast.Constant) and str(node.value).lower() == claim.verdict and id(node) not in claims
        for part in (test, *(functions[one] for one in called))
        for node in ast.walk(part)
    )


def test_every_claim_is_about_a_cell_that_there_is() -> None:
    known = {kind.name: {*kind.expected, "any"} for kind in KINDS}
    unknown = [
        cell
        for cell in matrix.cells()
        if cell.dataset not in known.get(cell.fault, set()) or cell.site not in matrix.site_kinds()
    ]
    assert unknown == []


def test_every_fault_of_the_plan_is_in_the_table_of_kinds() -> None:
    nouns = {*get_args(get_args(Fault)[0])}
    assert {kind.noun for kind in KINDS} == nouns
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.says and kind.needs and kind.undo and kind.expected for kind in KINDS)
