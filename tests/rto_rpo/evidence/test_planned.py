"""What a frozen plan says of its people, its schedules and its hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from drills.agreement import roles
from rto_rpo.evidence.agreed.planned import planned
from sites.plan import load

KEY = "ab" * 32
PEOPLE = f"""
roles:
  owner: {{name: "${{OWNER:-Head}}"}}
  approver: {{name: 007, key: "{KEY}"}}
  reviewer: ~
  others: {{bridge: {{name: "Bo $$ & Co", key: ~}}}}
"""


def test_it_reads_what_the_plans_own_reader_reads(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "examples" / "minimal" / "plan.yaml").read_text()
    path = tmp_path / "plan.yaml"
    path.write_text(text + PEOPLE)
    plan = load(path, {"OWNER": "Ada"})
    found = planned(path.read_bytes(), plan.variables)
    assert found.names(list(roles(plan)))
    assert found.roles["owner"] == ("Ada", None)
    assert found.schedules == plan.schedules()
    assert found.hold is plan.evidence.hold is None


@pytest.mark.parametrize(
    ("hold", "found"),
    [("the regulator asked", "the regulator asked"), ("~", None), ('""', None), ("no", "no")],
)
def test_a_hold_is_a_reason(hold: str, found: str | None) -> None:
    assert planned(f"evidence: {{hold: {hold}}}\n".encode()).hold == found


def test_a_variable_that_nobody_knows_may_be_anything() -> None:
    plan = b'drills: {kill: {schedule: "${WHEN}"}, cut: {schedule: "0 6 * * 6"}}\n'
    assert planned(plan).schedules == {"kill": "5 5 * * *", "cut": "0 6 * * 6"}
    assert planned(plan).schedules != {"kill": "5 5 * * *", "cut": "0 6 * * 5"}
    assert planned(plan, {"WHEN": "1 1 * * *"}).schedules != {"kill": "5 5 * * *", "cut": "0 6 * * 6"}


@pytest.mark.parametrize("plan", [b"", b"[", b"- a\n", b"roles: no\ndrills: [a]\nevidence: ~\n", b"\xff\xfe"])
def test_what_is_no_plan_says_nothing(plan: bytes) -> None:
    found = planned(plan)
    assert (found.roles, found.schedules, found.hold) == ({}, {}, None)
