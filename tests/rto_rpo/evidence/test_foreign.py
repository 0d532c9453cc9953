"""Another judge or an older form is no way round the comparison: what is missing there shows all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rto_rpo import JUDGE
from rto_rpo.evidence.checking.verify import Verification, verify
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.report.document import to_json
from rto_rpo.report.maker import maker
from tests.rto_rpo.evidence.folders import add_run, agreed, drawn_by_another
from tests.rto_rpo.evidence.forger import rewritten
from tests.rto_rpo.report.older import as_form_1
from tests.rto_rpo.report.runs import MISSED, Run

Report = dict[str, Any]
SMALL = replace(MISSED, interval_seconds=0.1, end_at_seconds=1.8)
UNTOLD = replace(SMALL, versions=())
OLD = "0.1.0+rules.6"
OTHERS = (OLD, "of my own")


def checked(
    root: Path,
    key: SigningKey,
    judge: str,
    change: Callable[[Report], Report | None],
    page: str = "",
    run: Run = SMALL,
) -> Verification:
    """Whoever holds the key had the run judged by these rules, and changed report and page afterwards."""
    run = replace(run, judge=judge)
    folder = add_run(root, run, key, agreed(run))
    told = json.loads((folder / "report.json").read_bytes())
    told = change(told) or told
    (folder / "report.json").write_bytes(to_json(told))
    drawn_by_another(folder)
    if page:
        (folder / "report.html").write_text(page)
    rewritten(root, key)
    return verify(root, public_key=key.public.pem)


def no_loss(told: Report) -> None:
    told["recovery_points"][0]["lost"] = []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.pop("recovery_points"), "recovery_points"),
        (lambda told: told["recovery_points"][0].pop("lost"), "recovery_points"),
        (lambda told: told.update(of_my_own="all was well"), "of_my_own"),
        (lambda told: told.update(run=told["run"].replace("7", "8")), "run"),
        (lambda told: told.update(judge=JUDGE), "judge"),
        (lambda told: told["ledger"].update(sha256="0" * 64), "ledger"),
        (lambda told: told["charter"].update(roles=[]) or told.update(charter=None), "charter"),
        (lambda told: told.update(schema="blackstart/report/9999"), "schema"),
        (lambda told: told.pop("schema"), "schema"),
    ],
)
def test_a_shortened_report_of_another_judge_is_not_intact(
    tmp_path: Path, key: SigningKey, change: Callable[[Report], object], said: str
) -> None:
    def changed(told: Report) -> None:
        change(told)

    found = checked(tmp_path / "evidence", key, OLD, changed)
    assert any(said in one for one in found.findings), found


@pytest.mark.parametrize("judge", OTHERS)
def test_what_another_judge_tells_otherwise_is_not_proven(
    tmp_path: Path, key: SigningKey, judge: str
) -> None:
    found = checked(tmp_path / "evidence", key, judge, no_loss)
    assert found.intact, found.findings
    [said] = found.unproven
    assert "(differs in: recovery_points)" in said


@pytest.mark.parametrize("judge", OTHERS)
def test_what_another_judge_tells_alike_is_proven(tmp_path: Path, key: SigningKey, judge: str) -> None:
    found = checked(tmp_path / "evidence", key, judge, lambda _: None)
    assert (found.findings, found.unproven) == ((), ())
    assert any("by these rules its ledger gives the same report" in one for one in found.notes)


def test_the_first_form_does_not_leave_out_the_versions_that_the_ledger_tells(
    tmp_path: Path, key: SigningKey
) -> None:
    found = checked(tmp_path / "evidence", key, JUDGE, as_form_1)
    assert any("it differs in: versions" in one for one in found.findings)


def test_it_is_whole_where_the_ledger_tells_none(tmp_path: Path, key: SigningKey) -> None:
    """The negative control."""
    found = checked(tmp_path / "evidence", key, OLD, as_form_1, run=UNTOLD)
    assert (found.findings, found.unproven) == ((), ())


@pytest.mark.parametrize("judge", [JUDGE, OLD])
def test_a_page_that_names_this_version_is_drawn_again_whoever_judged(
    tmp_path: Path, key: SigningKey, judge: str
) -> None:
    page = f"<!-- {maker()} --><h1>Met</h1>"
    found = checked(tmp_path / "evidence", key, judge, lambda _: None, page)
    assert any('"report.html" is not what its report and the chain give' in one for one in found.findings)


def test_no_page_of_this_version_tells_of_the_first_form(tmp_path: Path, key: SigningKey) -> None:
    page = f"<!-- {maker()} --><h1>Met</h1>"
    found = checked(tmp_path / "evidence", key, OLD, as_form_1, page, UNTOLD)
    assert any('"report.html" is not what its report and the chain give' in one for one in found.findings)


def test_a_page_that_names_another_maker_is_said_to_show_nothing(tmp_path: Path, key: SigningKey) -> None:
    found = checked(tmp_path / "evidence", key, JUDGE, lambda _: None, "<h1>Met</h1>")
    assert found.intact
    assert any("nothing here shows that it says what its report says" in one for one in found.notes)
