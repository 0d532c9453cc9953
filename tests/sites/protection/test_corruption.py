"""Random damage to the DR repository, held against an oracle: a plain restore by full id, compared by hand.

A restore test may be unsure, but it is never *met* where the newest point does not come back as it was, and
never *missed* where it does.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.files import FilesDataset
from sites.errors import BlackstartError
from sites.points import points
from sites.protection.backup import backup
from sites.protection.history import History
from sites.protection.replication import replicate
from sites.protection.restore_test import restore_test
from tests.sites.repositories import Make

SAMPLE = 3
CAMPAIGN = 100


def corrupt(repository: Path, dice: random.Random) -> str:
    """Flip, cut, delete or swap files of the repository. Says what it did."""
    files = sorted(path for path in repository.rglob("*") if path.is_file())
    one, two = dice.sample(files, 2)
    content = bytearray(one.read_bytes())
    how = dice.choice(["flip", "cut", "delete", "swap"])
    for path in (one, two):
        path.chmod(0o600)
    if how == "flip":
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        one.write_bytes(content)
    elif how == "cut":
        one.write_bytes(content[: dice.randrange(len(content))])
    elif how == "delete":
        one.unlink()
    else:
        one.write_bytes(two.read_bytes())
        two.write_bytes(content)
    return f"{how} {one.relative_to(repository)}"


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def run(make_repository: Make, tmp_path: Path, rounds: int) -> Counter[tuple[bool, str]]:
    dice = random.Random(20261122)  # noqa: S311  reproducible on purpose
    onsite, offsite = make_repository("onsite"), make_repository("offsite")
    dataset = FilesDataset("ticks", "primary", tmp_path / "ticks")
    dataset.path.mkdir()
    history = History(tmp_path / "history.jsonl")
    for size in (300_000, 100_000):  # two points, so that an older one could be taken for the newest
        for number in range(4):
            (dataset.path / f"{number}").write_bytes(dice.randbytes(size))
        backup(dataset, onsite, plan="desk", staging=tmp_path / "staging")
    replicate(onsite, offsite, plan="desk", history=history)
    newest = points(offsite.snapshots().snapshots, "ticks")[-1]
    seen: Counter[tuple[bool, str]] = Counter()
    for _ in range(rounds):
        damaged = replace(offsite, url=str(tmp_path / "damaged"))
        shutil.copytree(offsite.url, damaged.url)
        did = corrupt(Path(damaged.url), dice)
        result = restore_test(dataset, damaged, tmp_path / "scratch", history=history)
        try:
            damaged.restore(newest.snapshot.id, tmp_path / "out")
            whole = contents(newest.root_in(tmp_path / "out")) == contents(dataset.path)
        except BlackstartError:
            whole = False
        assert (whole, result.verdict) not in {(False, "met"), (True, "missed")}, f"{did}: {result.reason}"
        seen[whole, result.verdict] += 1
        for folder in ("damaged", "out"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
    return seen


def test_a_sample_of_random_damage(make_repository: Make, tmp_path: Path) -> None:
    assert run(make_repository, tmp_path, SAMPLE).total() == SAMPLE


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_of_random_damage(make_repository: Make, tmp_path: Path) -> None:
    seen = run(make_repository, tmp_path, CAMPAIGN)
    assert seen.total() == CAMPAIGN
    assert min(seen[False, "missed"], seen[True, "met"]) >= CAMPAIGN // 10, seen
    print(f"proof: {CAMPAIGN} damaged repositories, none of them taken for whole: {dict(seen)}")  # noqa: T201
