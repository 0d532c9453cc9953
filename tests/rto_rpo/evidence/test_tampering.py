"""Whatever is done to one byte, file or run of the evidence shows, a deleted tail against a head kept."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import add_record, rotate_key
from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.evidence.lines.record import By, Note
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from rto_rpo.report.document import to_json
from tests.rto_rpo.evidence.folders import add_run, agreed
from tests.rto_rpo.evidence.forger import rewritten
from tests.rto_rpo.evidence.stranger import stranger
from tests.rto_rpo.evidence.tampering import at_random, cut, files, flipped
from tests.rto_rpo.report.runs import MET, MISSED, Run

SMALL = replace(MET, interval_seconds=0.25, end_at_seconds=1.8)
NAMES = (
    *("chain.jsonl", "public_key.pem", "charter.json", "plan.yaml"),
    *("ledger.jsonl", "undo.jsonl", "report.json", "report.html", "report.md"),
)
SLICES = {"report.html": 12, "report.json": 8, "report.md": 2, "ledger.jsonl": 2}
NOW = datetime(2026, 11, 24, tzinfo=UTC)
UNDONE = Undone(utc="2026-11-22T06:01:00.000000Z", by="dead-man", undone="reverted", how="started anew")


def make(root: Path, *runs: Run) -> SigningKey:
    """Evidence with everything in it: charters, undos, a note signed by a person, and a change of the key."""
    first = new_key(root.parent / f"{root.name}-first.pem")
    second = new_key(root.parent / f"{root.name}-second.pem")
    person = new_key(root.parent / f"{root.name}-person.pem")
    add_run(root, runs[0], first, agreed(runs[0]), UNDONE)
    note = Note(what="note", by=By(name="Ada"), text="the venue was slow")
    add_record(
        root, note, plan="trading-desk", run=runs[0].run, drill=None, key=first, now=NOW, person=person
    )
    rotate_key(root, plan="trading-desk", old=first, new=second, now=NOW)
    for run in runs[1:]:
        add_run(root, run, second, agreed(run), UNDONE)
    return second


def expect_found(root: Path, what: str, head: str | None = None) -> None:
    """By `verify`, and by the stranger's stand-alone check."""
    assert not verify(root, head=head).intact, what
    code, said = stranger(root, "", head or "")
    assert code == 1, f"{what}: {said}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "evidence"
    make(root, SMALL)
    assert verify(root).findings == ()
    return root


def parts(name: str) -> int:
    """In how many slices all of a file is gone through."""
    return SLICES.get(name, 1)


def the(root: Path, name: str) -> Path:
    return next(path for path in files(root) if path.name == name)


def test_every_file_is_among_those_that_are_tampered_with(small: Path) -> None:
    assert {path.name for path in files(small)} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_bytes_and_cuts_shows(small: Path, name: str) -> None:
    path, chance = the(small, name), random.Random(7)  # noqa: S311 - no secret
    size = path.stat().st_size
    for _ in range(8):
        place, mask = chance.randrange(size), chance.randrange(1, 256)
        with flipped(path, place, mask):
            expect_found(small, f"byte {place} of {name} ^ {mask}")
    for length in {0, size // 2, size - 1}:
        with cut(path, length):
            expect_found(
                small, f"{name} cut at {length}", chain.head(small) if name != "chain.jsonl" else None
            )
    assert verify(small).findings == ()


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "part"), [(name, part) for name in NAMES for part in range(parts(name))])
def test_every_byte_and_every_cut_shows(small: Path, name: str, part: int) -> None:
    """In slices, for one after the other the long files would take longer than a test may."""
    path, chance = the(small, name), random.Random(11 + part)  # noqa: S311 - no secret
    size, head = path.stat().st_size, chain.head(small)
    places = range(part, size, parts(name))
    for place in places:
        mask = chance.randrange(1, 256)
        with flipped(path, place, mask):
            expect_found(small, f"byte {place} of {name} ^ {mask}")
        with cut(path, place):
            expect_found(small, f"{name} cut at {place}", head)
    assert verify(small).findings == ()
    told = f"{size} bytes and lengths in {parts(name)} slices: all of a slice shown, by both checks"
    print(f"proof: {name}, {told}")  # noqa: T201


def tampered(root: Path, times: int, seed: int) -> Counter[str]:
    """Do so many things to it, each found. Counts them by kind."""
    head, chance, done = chain.head(root), random.Random(seed), Counter[str]()  # noqa: S311
    for _ in range(times):
        what, act = at_random(root, chance)
        with cast("AbstractContextManager[None]", act()):
            expect_found(root, what, head)
        done[next(word for word in ("cut", "deleted", "swapped", "copied", "byte") if word in what)] += 1
    assert verify(root, head=head).findings == ()
    assert stranger(root, "", str(head)).code == 0
    return done


def test_a_sample_of_what_hands_can_do_to_several_runs_shows(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    make(root, SMALL, replace(MISSED, number=2), replace(SMALL, number=3))
    done = tampered(root, 60, seed=3)
    assert set(done) == {"cut", "deleted", "swapped", "copied", "byte"}


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_things_done_to_a_large_run_all_show(tmp_path: Path, seed: int) -> None:
    root = tmp_path / "evidence"
    large = replace(MET, number=2, interval_seconds=0.01, end_at_seconds=60.0)
    make(root, SMALL, large, replace(SMALL, number=3))
    done = tampered(root, 1_000, seed=100 + seed)
    assert done.total() == 1_000
    size = sum(path.stat().st_size for path in files(root)) / 1e6
    told = f"1000 tamperings all shown, by both checks: {dict(sorted(done.items()))}"
    print(f"proof: {size:.0f} MB of evidence, {told}")  # noqa: T201


MIB_MAX = 300  # what a report of as many may take


# What a process held at most by itself: `ru_maxrss` begins with what its parent held when it was started.
_VERIFY = """
import sys
from pathlib import Path
from flows.cli import main
try:
    main()
finally:
    print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


def _verified(root: Path) -> tuple[dict[str, Any], int, float, float]:
    """`blackstart verify` in a process of its own: what it says, exit code, seconds, MiB held at most."""
    words = [sys.executable, "-c", _VERIFY, "verify", str(root), "--json"]
    began = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds, kib = time.monotonic() - began, int(done.stderr.split()[-1])
    return json.loads(done.stdout), done.returncode, seconds, kib / 1024


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_a_run_of_a_million_operations_is_verified(tmp_path: Path) -> None:
    """By both checks; one lost write that its report leaves out shows among all of them, and one bit."""
    root, key = tmp_path / "evidence", new_key(tmp_path / "key.pem")
    run = replace(MISSED, interval_seconds=0.01, end_at_seconds=4998.0)
    folder = add_run(root, run, key, agreed(run))
    found, code, seconds, mib = _verified(root)
    assert (code, found["findings"], found["runs"][0]["recomputed"]) == (0, [], "missed")
    report = json.loads((folder / "report.json").read_bytes())
    [point] = report["recovery_points"]
    assert {one["number"] for one in point["lost"]} == run.lost
    counted = report["counts"]["operations"]
    assert counted >= 1_000_000 - 1
    assert mib <= MIB_MAX
    assert stranger(root).code == 0
    ledger = folder / "ledger.jsonl"
    with flipped(ledger, ledger.stat().st_size // 2, 1):
        expect_found(root, "one bit in the middle of a million operations")
    point["lost"] = point["lost"][1:]
    (folder / "report.json").write_bytes(to_json(report))
    rewritten(root, key)
    expect_found(root, "one lost write of a million that the report keeps silent about")
    told = (
        f"{counted} operations verified in {seconds:.1f} s and {mib:.0f} MiB, and a lost write left out shows"
    )
    print(f"proof: {told}")  # noqa: T201
