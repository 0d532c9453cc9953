"""The cells of an estate, and those that a drill of it fills in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drills.cells import cells_of, tried_by
from drills.faults import KINDS
from drills.faults.kinds import Kind
from rto_rpo.report import damage
from rto_rpo.report.document import document
from rto_rpo.report.model import Report
from tests.drills.faults.other_sites import shell
from tests.drills.small_drill import DRILL, small_estate
from tests.rto_rpo.report.runs import MET, write_run


def told(folder: Path, **changes: Any) -> list[tuple[str, str, str]]:
    estate = small_estate(folder, **changes)
    return [(one.fault, one.site, one.dataset) for one in tried_by(estate, estate.plan.drills[DRILL])]


def test_an_estate_has_a_cell_for_every_fault_that_breaks_something(tmp_path: Path) -> None:
    cells = cells_of(small_estate(tmp_path).plan)
    assert {cell.site for cell in cells} == {"processes"}
    assert {cell.dataset for cell in cells} == {"files", "none"}
    concerned = {kind.name for kind in KINDS if {"files", "none", "any"} & kind.expected.keys()}
    assert {cell.fault for cell in cells} == concerned - {"none"}
    assert ("wrong_key", "none") not in {(cell.fault, cell.dataset) for cell in cells}


def test_what_a_kind_of_site_offers_no_way_to_is_no_cell(tmp_path: Path) -> None:
    """It would stand as *not tested* for good, and nobody could ever try it."""
    with shell(tmp_path) as estate:
        struck = {one.fault for one in cells_of(estate.plan) if one.site == "shell"}
    refused = {kind.name for kind in KINDS if "shell" in kind.refused}
    assert len(refused) > 3
    assert struck & refused == set()
    assert {"kill_site", "kill_service", "shell"} <= struck


def test_a_drill_that_judges_a_service_alone_tries_no_dataset(tmp_path: Path) -> None:
    assert told(tmp_path) == [("kill_site", "processes", "none")]


@pytest.mark.parametrize(
    ("fault", "dataset"),
    [
        ({"kind": "pause_site", "site": "primary"}, "none"),
        ({"kind": "damage_that_replicates", "dataset": "files", "damage": "files_encrypted"}, "files"),
    ],
)
def test_what_a_drill_tries_is_a_cell_of_its_estate(
    tmp_path: Path, fault: dict[str, Any], dataset: str
) -> None:
    estate = small_estate(tmp_path, fault=fault)
    [cell] = tried_by(estate, estate.plan.drills[DRILL])
    assert (cell.fault, cell.dataset) == (fault["kind"], dataset)
    assert cell in cells_of(estate.plan)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_fault_has_a_sentence_of_its_own_in_the_reports(tmp_path: Path, kind: Kind) -> None:
    named = {name: "x" for name in kind.noun.model_fields if name != "kind"}
    run = replace(MET, fault={"kind": kind.name, **named})
    report = document(write_run(tmp_path, run) / "ledger.jsonl", run.plan)
    assert not damage.fault(Report.model_validate(report)).startswith("the fault ")


def test_a_drill_that_breaks_nothing_tries_no_cell(tmp_path: Path) -> None:
    assert told(tmp_path, fault={"kind": "none"}) == []
