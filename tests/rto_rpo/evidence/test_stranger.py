"""docs/check_evidence.py: a stranger's check, with nothing of ours, agrees with `verify`; and is short."""

from __future__ import annotations

import ast
import json
import random
import runpy
import sys
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest

from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.pruning import prune
from rto_rpo.evidence.lines.line import build, line_hash, split
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.chains import run_id
from tests.rto_rpo.evidence.folders import add_run, findings, folders
from tests.rto_rpo.evidence.tampering import at_random
from tests.rto_rpo.evidence.test_tampering import SMALL, make
from tests.rto_rpo.histories import DICE_BYTES, make_history
from tests.rto_rpo.ledgers import write_ledger
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "check_evidence.py"


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the script on a folder; whether it agrees, and what it said."""

    def run(root: Path, *more: str) -> tuple[bool, str]:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(root), *more])
        try:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        except SystemExit as ended:
            return not ended.code, capsys.readouterr().out
        except (ValueError, KeyError, OSError, TypeError, StopIteration) as error:
            return False, f"it cannot be read: {error}"
        return False, "it did not end"

    return run


@pytest.fixture
def three(tmp_path: Path) -> tuple[Path, SigningKey]:
    root = tmp_path / "evidence"
    missed = replace(MISSED, interval_seconds=0.02)
    return root, make(root, MET, missed, replace(INCONCLUSIVE, interval_seconds=0.02, reading_ends=True))


def test_it_is_short_and_needs_only_the_standard_library_and_cryptography() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) < 150
    names = [
        *(
            alias.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import)
            for alias in node.names
        ),
        *(str(node.module) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)),
    ]
    outside = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    assert outside == {"cryptography"}


def test_it_agrees_on_what_is_intact(three: tuple[Path, SigningKey], check: Any, tmp_path: Path) -> None:
    root, key = three
    (tmp_path / "key.pem").write_bytes(key.public.pem)
    agrees, said = check(root, str(tmp_path / "key.pem"), chain.head(root))
    assert agrees, said
    assert [line.split(" ", 1)[1] for line in said.splitlines()[:3]] == [
        "met; from its ledger: met",
        "missed; from its ledger: missed",
        "inconclusive; from its ledger: met",  # the recorder stalled, which it does not recompute
    ]
    assert verify(root).intact


def test_it_agrees_on_what_was_pruned_and_on_what_lies_in_its_place(
    three: tuple[Path, SigningKey], check: Any
) -> None:
    root, key = three
    later = datetime(2027, 11, 24, tzinfo=UTC)
    gone = prune(root, plan="trading-desk", retention=timedelta(days=300), hold=None, key=key, now=later)
    assert len(gone) == 3
    assert check(root)[0]
    charter = root / gone[0] / "charter.json"
    content = charter.read_bytes()
    report = root / gone[0] / "report.html"
    for spoil, name in (
        (lambda: report.write_text("all is well"), "report.html"),
        (lambda: charter.write_bytes(content.replace(b"Ada", b"Bea")), "charter.json"),
        (charter.unlink, "charter.json"),
    ):
        spoil()
        assert f"{gone[0]}: {name} was edited, added, deleted or swapped" in check(root)[1]
        assert name in findings(root, key)
        report.unlink(missing_ok=True)
        charter.write_bytes(content)
    assert check(root)[0]
    assert verify(root).intact


def test_it_finds_what_verify_finds(tmp_path: Path, check: Any) -> None:
    root = tmp_path / "evidence"
    make(root, SMALL, replace(SMALL, number=2), replace(SMALL, number=3))
    head, chance = chain.head(root), random.Random(17)  # noqa: S311
    for _ in range(80):
        what, act = at_random(root, chance)
        with cast("AbstractContextManager[None]", act()):
            agrees, said = check(root, "", str(head))
            assert not agrees, f"{what}: {said}"
    assert check(root)[0]


def test_it_agrees_on_random_histories(tmp_path: Path, check: Any) -> None:
    """Every figure is the same, and no stored verdict is better than the one that it finds."""
    root, dice, plan = tmp_path / "evidence", random.Random(23), b"name: desk\n"  # noqa: S311
    now = datetime(2026, 11, 24, tzinfo=UTC)
    for number in range(100):
        head, records = make_history(dice.randbytes(DICE_BYTES))
        records = [one for one in records if one.get("act") != "delete"]
        head = {**head, "run": run_id(number), "plan": {**head["plan"], "sha256": sha256(plan).hexdigest()}}
        folder = chain.open_run(
            root, run=head["run"], drill=head["drill"]["name"], plan=plan, key=None, now=now
        )
        write_ledger(folder.path / "ledger.jsonl", head, records)
        chain.close_run(root, folder, verdict=publish(folder.path)["verdict"], key=None, now=now)
    agrees, said = check(root)
    assert agrees, said
    found = Counter(line.split(" ", 1)[1] for line in said.splitlines()[:-1])
    assert found["missed; from its ledger: missed"] >= 25, found
    assert not found["met; from its ledger: missed"] + found["met; from its ledger: inconclusive"]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("recovery_times", 0, "upper_seconds"), 0.1, "RTA of orders is"),
        (("recovery_times", 0, "lower_seconds"), 0.0, "RTA of orders is"),
        (("recovery_points", 0, "lost"), [], "RPA of orders is"),
        (("recovery_points", 0, "upper_seconds"), 0.0, "RPA of orders is"),
        (("verdict",), "met", "verdict is met in its report, missed in its ledger"),
    ],
)
def test_a_holder_of_the_key_cannot_have_a_better_report_than_his_ledger(
    three: tuple[Path, SigningKey], check: Any, place: tuple[Any, ...], value: Any, said: str
) -> None:
    """The report is edited, and everything hashed and signed anew."""
    root, key = three
    _forge(root, folders(root)[1], key, place, value)
    agrees, told = check(root)
    assert not agrees
    assert said in told
    assert not verify(root, public_key=key.public.pem).intact


def test_it_takes_no_uncalibrated_run_for_met(tmp_path: Path, check: Any) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    add_run(root, replace(MET, calibration=None), key)
    assert verify(root).runs[0].verdict == "inconclusive"
    _forge(root, folders(root)[0], key, ("verdict",), "met")
    agrees, told = check(root)
    assert not agrees
    assert "verdict is met in its report, inconclusive in its ledger" in told


def _forge(root: Path, folder: Path, key: SigningKey, place: tuple[Any, ...], value: Any) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    part = report
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (folder / "report.json").write_text(json.dumps(report, sort_keys=True, indent=2) + "\n")
    raws: list[bytes] = []
    for raw in split((root / "chain.jsonl").read_bytes()):
        content = json.loads(raw)
        if content["kind"] == "closed" and content["folder"] == folder.name:
            content["files"]["report.json"] = sha256((folder / "report.json").read_bytes()).hexdigest()
            content["verdict"] = report["verdict"]
        content["prev"] = line_hash(raws[-1]) if raws else content["prev"]
        line = build(content)
        if line.key == key.public.identity:
            line = line.model_copy(update={"signature": key.sign(line.signed_bytes())})
        raws.append(line.raw())
    (root / "chain.jsonl").write_bytes(b"".join(raws))
