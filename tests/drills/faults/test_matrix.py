"""docs/faults.md claims no more than the tests do, and tells of every fault."""

from __future__ import annotations

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
