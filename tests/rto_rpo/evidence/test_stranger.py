"""docs/check_evidence.py: a stranger's check, with nothing of ours, agrees with `verify`; and is short."""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
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
from rto_rpo.report.document import to_json
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.chains import run_id
from tests.rto_rpo.evidence.folders import add_run, findings, folders, open_one
from tests.rto_rpo.evidence.stranger import SCRIPT, stranger
from tests.rto_rpo.evidence.tampering import at_random
from tests.rto_rpo.evidence.test_tampering import SMALL, make
from tests.rto_rpo.histories import DICE_BYTES, make_history
from tests.rto_rpo.ledgers import write_ledger
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED


@pytest.fixture(scope="module")
def three_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SigningKey]:
    root = tmp_path_factory.mktemp("three") / "evidence"
    missed = replace(MISSED, interval_seconds=0.02)
    return root, make(root, MET, missed, replace(INCONCLUSIVE, interval_seconds=0.02, reading_ends=True))


@pytest.fixture
def three(three_made: tuple[Path, SigningKey], tmp_path: Path) -> tuple[Path, SigningKey]:
    return Path(shutil.copytree(three_made[0], tmp_path / "evidence")), three_made[1]


@pytest.fixture(scope="module")
def small_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "evidence"
    make(root, SMALL)
    return root


@pytest.fixture
def small(small_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_made, tmp_path / "evidence"))


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


def test_it_agrees_on_what_is_intact(three: tuple[Path, SigningKey], tmp_path: Path) -> None:
    root, key = three
    (tmp_path / "key.pem").write_bytes(key.public.pem)
    code, said = stranger(root, str(tmp_path / "key.pem"), str(chain.head(root)))
    assert code == 0, said
    assert [line.split(" ", 1)[1] for line in said.splitlines()[:3]] == [
        "met; from its ledger: met",
        "missed; from its ledger: missed",
        "inconclusive; from its ledger: met",  # the recorder stalled, which it does not recompute
    ]
    assert said.splitlines()[3:] == ["agrees in all that this check recomputes"]
    assert verify(root).intact


def test_it_agrees_on_what_was_pruned_and_on_what_lies_in_its_place(
    three: tuple[Path, SigningKey],
) -> None:
    root, key = three
    later = datetime(2033, 11, 24, tzinfo=UTC)
    gone = prune(root, plan="trading-desk", retention=timedelta(days=300), hold=None, key=key, now=later)
    assert len(gone) == 3
    code, said = stranger(root)
    assert code == 3, said  # a met and a missed one are claimed, and nothing is left to compute them from
    assert said.splitlines()[-1] == f"agrees, but NOT RECOMPUTED: {gone[0]}, {gone[1]}"
    charter = root / gone[0] / "charter.json"
    content = charter.read_bytes()
    report = root / gone[0] / "report.html"
    for spoil, name in (
        (lambda: report.write_text("all is well"), "report.html"),
        (lambda: charter.write_bytes(content.replace(b"Ada", b"Bea")), "charter.json"),
        (charter.unlink, "charter.json"),
    ):
        spoil()
        code, said = stranger(root)
        assert code == 1
        assert f"{gone[0]}: {name!r} was edited, added, deleted or swapped" in said
        assert name in findings(root, key)
        report.unlink(missing_ok=True)
        charter.write_bytes(content)
    assert stranger(root).code == 3
    assert verify(root).intact


def test_it_finds_what_verify_finds(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    make(root, SMALL, replace(SMALL, number=2), replace(SMALL, number=3))
    head, chance = chain.head(root), random.Random(17)  # noqa: S311
    for _ in range(80):
        what, act = at_random(root, chance)
        with cast("AbstractContextManager[None]", act()):
            code, said = stranger(root, "", str(head))
            assert code == 1, f"{what}: {said}"
    assert stranger(root).code == 0


def test_it_agrees_on_random_histories(tmp_path: Path) -> None:
    """Every figure is the same, and no stored verdict is better than the one that it finds."""
    root, dice, plan = tmp_path / "evidence", random.Random(23), b"name: trading-desk\n"  # noqa: S311
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
    code, said = stranger(root)
    assert code in {0, 3}, said
    found = Counter(line.split(" ", 1)[1] for line in said.splitlines()[:100])
    assert found["missed; from its ledger: missed"] >= 25, found
    assert not found["met; from its ledger: missed"] + found["met; from its ledger: inconclusive"]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("recovery_times", 0, "upper_seconds"), 0.1, "RTA of orders is"),
        (("recovery_times", 0, "lower_seconds"), 0.0, "RTA of orders is"),
        (("recovery_points", 0, "lost"), [], "RPA of orders is"),
        (("recovery_points", 0, "upper_seconds"), 0.0, "RPA of orders is"),
        (
            ("judgements", 1, "verdict"),
            "met",
            "verdict on rpo is 'met' in its report, 'missed' in chain or ledger",
        ),
        (("run",), MET.run, "run, plan or drill is"),
        (("plan", "sha256"), "0" * 64, "run, plan or drill is"),
        (("drill", "name"), "another", "run, plan or drill is"),
        (("ledger", "sha256"), "0" * 64, "ending is"),
        (("schema",), "blackstart/report/9999", "the form of its report or its ledger is not known here"),
        (("verdict",), "met", "verdict is 'met' in its report, 'missed' in chain or ledger"),
    ],
)
def test_a_holder_of_the_key_cannot_have_a_better_report_than_his_ledger(
    three: tuple[Path, SigningKey], place: tuple[Any, ...], value: Any, said: str
) -> None:
    """The report is edited, and everything hashed and signed anew."""
    root, key = three
    _forge(root, folders(root)[1], key, place, value)
    code, told = stranger(root)
    assert code == 1
    assert said in told
    assert not verify(root, public_key=key.public.pem).intact


def test_it_takes_no_uncalibrated_run_for_met(tmp_path: Path) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    add_run(root, replace(MET, calibration=None), key)
    assert verify(root).runs[0].verdict == "inconclusive"
    _forge(root, folders(root)[0], key, ("verdict",), "met")
    code, told = stranger(root)
    assert code == 1
    assert "verdict is 'met' in its report, 'inconclusive' in chain or ledger" in told


def test_it_takes_no_aborted_run_for_met(tmp_path: Path) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    add_run(root, replace(MET, end_reason="aborted"), key)
    assert verify(root).runs[0].verdict == "inconclusive"
    assert stranger(root).code == 0
    _forge(root, folders(root)[0], key, ("verdict",), "met")
    code, told = stranger(root)
    assert code == 1
    assert "verdict is 'met' in its report, 'inconclusive' in chain or ledger" in told


def test_what_it_does_not_recompute_is_no_bare_agreement(tmp_path: Path) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    folder = add_run(root, replace(MET, fault={"kind": "none"}), key)
    assert verify(root).runs[0].verdict in {"met", "missed"}
    code, told = stranger(root)
    assert code == 3
    assert "AT BEST, for it was NOT RECOMPUTED" in told
    assert told.splitlines()[-1] == f"agrees, but NOT RECOMPUTED: {folder.name}"


def test_a_ledger_of_another_run_is_no_evidence_of_this_one(tmp_path: Path) -> None:
    """Both runs are real, and the holder of the key signs that the one's ledger is the other's."""
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    good, bad = open_one(root, MET, key), open_one(root, MISSED, key)
    for folder in (good, bad):
        assert folder.descriptor is not None
        (folder.path / "ledger.jsonl").write_bytes((good.path / "ledger.jsonl").read_bytes())
        publish(folder.path)
        chain.close_run(root, folder, verdict="met", key=key, now=datetime(2026, 11, 25, tzinfo=UTC))
    code, told = stranger(root)
    assert code == 1
    assert f"{bad.path.name}: run, plan or drill is" in told
    assert not verify(root).intact


def test_a_run_that_was_given_up_proves_nothing_whatever_its_report_says(tmp_path: Path) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    given_up = open_one(root, MET, key)
    assert publish(given_up.path)["verdict"] == "met"
    assert given_up.descriptor is not None
    os.close(given_up.descriptor)
    add_run(root, replace(MET, number=2), key)
    code, told = stranger(root)
    assert code == 0, told
    assert told.startswith(f"{given_up.path.name} inconclusive; given up, or without a report")
    found = verify(root)
    assert found.intact, found.findings
    assert any("its report says met, which proves nothing" in note for note in found.notes)
    _sign_anew(root, given_up.path, key, "met")
    code, told = stranger(root)
    assert code == 1
    assert "'met', although it was given up or has no report" in told
    assert "it was given up, and the chain says met: that is inconclusive" in findings(root, key)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("report.html", '"report.html" is not what its report and the chain give'),
        ("report.md", '"report.md" is not what its report and the chain give'),
        ("report.json", '"report.json" is not what its plan and ledger give; it differs in: verdict'),
    ],
)
def test_what_lies_in_a_run_that_was_given_up_is_drawn_again(tmp_path: Path, name: str, told: str) -> None:
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    given_up = open_one(root, SMALL, key)
    publish(given_up.path)
    path = given_up.path / name
    if name == "report.json":
        path.write_bytes(to_json({**json.loads(path.read_bytes()), "verdict": "missed"}))
    else:
        path.write_text(path.read_text().replace("kill", "miss", 1))
    assert given_up.descriptor is not None
    os.close(given_up.descriptor)
    add_run(root, replace(SMALL, number=2), key)
    assert told in findings(root, key)


def _unsigned(root: Path) -> None:
    """Everything chained again without a signature, as anybody can."""
    raws: list[bytes] = []
    for raw in split((root / "chain.jsonl").read_bytes()):
        content = {**json.loads(raw), "key": None, "signature": None}
        if content["kind"] not in {"recorded", "key_rotated"}:
            content |= {"seq": len(raws), "prev": line_hash(raws[-1]) if raws else "0" * 64}
            raws.append(build(content).raw())
    (root / "chain.jsonl").write_bytes(b"".join(raws))


def test_a_chain_without_its_signatures_is_told_from_one_that_never_had_any(
    three: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    root, key = three
    _unsigned(root)
    code, told = stranger(root)
    assert code == 1
    assert "NOT SIGNED" in told
    assert "no line of the chain is signed by the public key" in findings(root)
    (tmp_path / "key.pem").write_bytes(key.public.pem)
    (root / "public_key.pem").unlink()
    code, told = stranger(root)
    assert code == 0
    assert "NOT SIGNED" in told
    assert "HEAD NOT ANCHORED" in told
    assert stranger(root, str(tmp_path / "key.pem")).code == 1


def _flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 32
    path.write_bytes(content)


def _linked(path: Path) -> None:
    path.rename(path.parent.parent / f"moved-{path.name}")
    path.symlink_to(path.parent.parent / f"moved-{path.name}")


ROOT_DAMAGE: dict[str, Any] = {
    "a bit of the key's header": lambda root: _flip(root / "public_key.pem", 12),
    "a bit of the key": lambda root: _flip(root / "public_key.pem", 50),
    "the key's last newline": lambda root: (root / "public_key.pem").write_bytes(
        (root / "public_key.pem").read_bytes()[:-1]
    ),
    "the key": lambda root: (root / "public_key.pem").unlink(),
    "the key as a link": lambda root: _linked(root / "public_key.pem"),
    "the chain as a link": lambda root: _linked(root / "chain.jsonl"),
    "a byte in the lock": lambda root: (root / "chain.lock").write_bytes(b"\n"),
    "the lock as a link": lambda root: _linked(root / "chain.lock"),
    "a run as a link": lambda root: _linked(folders(root)[0]),
    "a file": lambda root: (root / "notes.txt").write_text("all was well"),
    "an empty folder": lambda root: (root / "empty").mkdir(),
    "a link to nowhere": lambda root: (root / "link").symlink_to("/nowhere"),
    "an empty folder in a run": lambda root: (folders(root)[0] / "empty").mkdir(),
    "a link to a folder in a run": lambda root: (folders(root)[0] / "link").symlink_to("/"),
    "a file of a run as a link": lambda root: _linked(folders(root)[0] / "report.md"),
    "a name that is no text": lambda root: Path(
        os.fsdecode(os.fsencode(folders(root)[0]) + b"/\xff\xfe")
    ).write_text("hidden"),
}


@pytest.mark.parametrize("what", ROOT_DAMAGE)
def test_what_was_done_around_the_files_shows(small: Path, what: str) -> None:
    assert stranger(small).code == 0
    ROOT_DAMAGE[what](small)
    assert stranger(small).code == 1, what
    assert not verify(small).intact, what


def _said(*argv: str, **environment: str) -> str:
    """Run as people run it; what it says on its way out, on one line."""
    done = subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_what_it_cannot_even_begin_with_is_one_clear_line(small: Path, tmp_path: Path) -> None:
    assert "No such file or directory" in _said(str(SCRIPT), str(tmp_path / "nowhere"))
    assert "chain.jsonl" in _said(str(SCRIPT), str(folders(small)[0]))
    assert "nowhere.pem" in _said(str(SCRIPT), str(small), str(tmp_path / "nowhere.pem"))
    (tmp_path / "cryptography.py").write_text("raise ModuleNotFoundError('no cryptography here')\n")
    assert "no cryptography here" in _said(str(SCRIPT), str(small), PYTHONPATH=str(tmp_path))


def _forge(root: Path, folder: Path, key: SigningKey, place: tuple[Any, ...], value: Any) -> None:
    report = json.loads((folder / "report.json").read_bytes())
    part = report
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (folder / "report.json").write_text(json.dumps(report, sort_keys=True, indent=2) + "\n")
    _sign_anew(root, folder, key, report["verdict"])


def _sign_anew(root: Path, folder: Path, key: SigningKey, verdict: str) -> None:
    """The run is closed with this verdict and the report that lies there, by the holder of the key."""
    raws: list[bytes] = []
    for raw in split((root / "chain.jsonl").read_bytes()):
        content = json.loads(raw)
        if content["kind"] == "closed" and content["folder"] == folder.name:
            content["files"]["report.json"] = sha256((folder / "report.json").read_bytes()).hexdigest()
            content["verdict"] = verdict
        content["prev"] = line_hash(raws[-1]) if raws else content["prev"]
        line = build(content)
        if line.key == key.public.identity:
            line = line.model_copy(update={"signature": key.sign(line.signed_bytes())})
        raws.append(line.raw())
    (root / "chain.jsonl").write_bytes(b"".join(raws))
