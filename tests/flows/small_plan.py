"""A plan with nothing but a tabletop, people and signed evidence, and the command line on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from flows.cli import app
from rto_rpo.evidence.lines.history import read_entries
from rto_rpo.evidence.lines.signature import new_key

PLAN = """\
name: small
environment: test
sites:
  here: {{kind: processes, path: "{root}/here"}}
tabletops:
  quake: {{scenario: the building is gone, questions: [who decides?], schedule: "0 6 * * 6"}}
roles:
  owner: {{name: Ada}}
  reviewer: {{name: Bo, key: {bo}}}
  approver: {{name: Cy, key: {cy}}}
evidence: {{path: "{root}/evidence", key: {{file: "{root}/key.pem"}}, heads: "{root}/there/heads.jsonl"}}
"""


def write_plan(folder: Path) -> Path:
    """The plan, with the keys of Bo, Cy and the evidence beside it."""
    keys = {name: new_key(folder / f"{name}.pem").public_hex for name in ("bo", "cy", "key")}
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(root=folder, **keys))
    return path


def run(plan: Path, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [*words, "--plan", str(plan)], input=stdin)


def told(plan: Path, *words: str, stdin: str = "") -> Any:
    done = run(plan, *words, "--json", stdin=stdin)
    assert done.exit_code == 0, done.exception or done.output
    return json.loads(done.stdout)


def talk(plan: Path, *lines: str) -> Any:
    return told(plan, "tabletop", "quake", "--as", "Ada", stdin="\n".join(lines))


def evidence(plan: Path) -> Path:
    return plan.parent / "evidence"


def entries(plan: Path) -> Any:
    return read_entries((evidence(plan) / "chain.jsonl").read_bytes())


def later(days: float) -> type[datetime]:
    """The clock of then."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz or UTC) + timedelta(days=days)

    return Later
