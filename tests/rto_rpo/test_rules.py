"""The rules of judging have a number of their own, and it changes when they do.

Every ledger says by which rules it was to be judged, so that nobody takes a verdict of others for a forged
one. What gives a verdict away is the source that finds it, without its comments and its docstrings.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import rto_rpo

ROOT = Path(rto_rpo.__file__).parent
RECORDED = Path(__file__).with_name("rules.json")
JUDGING = (
    "calibration",
    "column",
    "control",
    "doubts",
    "first_answer",
    "lag",
    "ledger/lookup",
    "ledger/reader",
    "ledger/records",
    "ledger/validation",
    "measure",
    "measurement",
    "objective",
    "old_primary",
    "operations",
    "phases",
    "plain",
    "recovery_point",
    "recovery_time",
    "refusal",
    "revival",
    "run",
    "sending",
    "split_brain",
    "stall",
    "timeline",
    "verdict",
)


def fingerprint(sources: dict[str, str]) -> str:
    """What the code does, in one word: neither comments nor docstrings are in it, nor how it is laid out."""
    found = hashlib.sha256()
    for name, source in sorted(sources.items()):
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:] or [ast.Pass()]
        found.update(f"{name} {ast.dump(tree)}\n".encode())
    return found.hexdigest()


def sources() -> dict[str, str]:
    return {name: (ROOT / f"{name}.py").read_text(encoding="utf-8") for name in JUDGING}


def test_the_number_of_the_rules_changes_with_them() -> None:
    recorded = json.loads(RECORDED.read_text())
    now = {"rules": rto_rpo.RULES, "source": fingerprint(sources())}
    assert now == recorded, (
        "the judge's source has changed. If any ledger is now judged or measured otherwise, count RULES in "
        f"rto_rpo/__init__.py up; either way write this to {RECORDED.name}: {json.dumps(now)}"
    )


def test_the_judge_is_named_by_version_and_rules() -> None:
    assert f"{rto_rpo.__version__}+rules.{rto_rpo.RULES}" == rto_rpo.JUDGE


def test_a_bent_rule_shows_and_a_comment_does_not() -> None:
    known = sources()
    bent = {**known, "verdict": known["verdict"].replace("if lower > limit:", "if lower >= limit:")}
    told = {**known, "verdict": '"""Said in other words."""\n# why\n' + known["verdict"].split('"""', 2)[2]}
    assert fingerprint(bent) != fingerprint(known)
    assert fingerprint(told) == fingerprint(known)
