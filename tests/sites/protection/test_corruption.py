"""Random damage to the DR repository, held against an oracle: a plain restore by full id, compared by hand.

A restore test may be unsure, but it is never *met* where the point does not come back as it was, and never
*missed* where it does; a cycle of them tells of every point that no longer comes back, the older ones too.
After it none that was missed counts as one that could be restored.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Restic
from sites.errors import BlackstartError
from sites.points import Point, points
from sites.protection.backup import backup
from sites.protection.exposure import Declared, exposures
from sites.protection.history import History
from sites.protection.replication import replicate
from sites.protection.restore_test import older_tests, restore_test
from sites.protection.tested import RestoreTestResult
from tests.sites.repositories import Make

SAMPLE = 2
CAMPAIGN, PARTS = 100, 4
SEED = 20261122


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


@dataclass
class Truth:
    """What was backed up, point by point, and what a plain restore by full id makes of a repository."""

    dataset: FilesDataset
    offsite: Restic
    history: History
    points: dict[str, dict[str, bytes]]

    def whole(self, damaged: Restic, copies: dict[str, Point], out: Path) -> dict[str, bool]:
        """By the id that each point had at first: whether all of it comes back as it was."""
        return {first: self._comes_back(damaged, point, out) for first, point in copies.items()}

    def _comes_back(self, damaged: Restic, point: Point, out: Path) -> bool:
        try:
            damaged.restore(point.snapshot.id, out)
            return contents(point.root_in(out)) == self.points[point.snapshot.first_id]
        except BlackstartError:
            return False
        finally:
            shutil.rmtree(out, ignore_errors=True)


def prepared(make_repository: Make, folder: Path, dice: random.Random) -> Truth:
    """Three points. Each shares a file with the one before, and has packs that no other point needs."""
    onsite, offsite = make_repository("onsite"), make_repository("offsite")
    dataset = FilesDataset("ticks", "primary", folder / "ticks")
    dataset.path.mkdir()
    history = History(folder / "history.jsonl")
    made = {}
    for numbers in ((0, 1, 2, 3), (1, 2, 3), (2, 3)):
        for number in numbers:
            (dataset.path / f"{number}").write_bytes(dice.randbytes(200_000))
        point = backup(dataset, onsite, plan="desk", staging=folder / "staging")
        made[point.snapshot_id] = contents(dataset.path)
        # each in its turn, as it is in life: what arrives together shares packs
        replicate(onsite, offsite, plan="desk", history=history)
    return Truth(dataset, offsite, history, made)


def cycle(truth: Truth, damaged: Restic, folder: Path) -> list[RestoreTestResult]:
    """A night for each older point: the first tests the newest too, which stays the same meanwhile."""
    history = History(Path(shutil.copy(truth.history.path, folder / "damaged.jsonl")))
    scratch = folder / "scratch"
    results = [restore_test(truth.dataset, damaged, scratch, history=history)]
    for _ in range(len(truth.points) - 1):
        results += older_tests(truth.dataset, damaged, scratch, history=history)
    return results


def judged(whole: dict[str, bool], results: list[RestoreTestResult], did: str) -> str:
    """Nothing that is met may fail to come back, and nothing missed may come back; what the cycle came to."""
    newest = list(whole)[-1]
    for result in results:
        about = result.snapshot_id if result.older else newest
        if about is not None:
            wrong = (whole[about], result.verdict) in {(False, "met"), (True, "missed")}
            assert not wrong, f"{did}: {result.reason}"
    damage = [first for first, comes in whole.items() if not comes]
    verdicts = {result.verdict for result in results}
    if not damage:
        assert "missed" not in verdicts, did
        return "all come back, met" if verdicts == {"met"} else "all come back, inconclusive"
    for first in damage:
        told = [r for r in results if r.snapshot_id in (first, None) or (first == newest and not r.older)]
        assert [r for r in told if r.verdict != "met"], f"{did}: nothing was said of {first[:8]}"
    which = "several points" if len(damage) > 1 else "the newest" if newest in damage else "an older one"
    return f"damage of {which}, {'missed' if 'missed' in verdicts else 'inconclusive'}"


def counts_on(
    whole: dict[str, bool], results: list[RestoreTestResult], damaged: Restic, folder: Path, did: str
) -> None:
    """What the status says could be restored does come back, or no test could tell."""
    (row,) = exposures([Declared("ticks", 1e9)], damaged, history=History(folder / "damaged.jsonl"))
    unsure = {result.snapshot_id for result in results if result.verdict == "inconclusive"}
    if row.snapshot_id is not None:
        assert whole[row.snapshot_id] or row.snapshot_id in unsure, f"{did}: counts on what is gone"


def run(make_repository: Make, tmp_path: Path, rounds: int, seed: int) -> Counter[str]:
    dice = random.Random(seed)  # noqa: S311  reproducible on purpose
    truth = prepared(make_repository, tmp_path, dice)
    copies = {p.snapshot.first_id: p for p in points(truth.offsite.snapshots().snapshots, "ticks")}
    assert list(copies) == list(truth.points)
    unharmed = cycle(truth, truth.offsite, tmp_path)
    assert [result.verdict for result in unharmed] == ["met"] * 3, "what cannot be met tells no damage"
    seen: Counter[str] = Counter()
    for _ in range(rounds):
        damaged = replace(truth.offsite, url=str(tmp_path / "damaged"))
        shutil.copytree(truth.offsite.url, damaged.url)
        did = corrupt(Path(damaged.url), dice)
        results = cycle(truth, damaged, tmp_path)
        whole = truth.whole(damaged, copies, tmp_path / "out")
        seen[judged(whole, results, did)] += 1
        counts_on(whole, results, damaged, tmp_path, did)
        shutil.rmtree(damaged.url)
    return seen


def test_a_sample_of_random_damage(make_repository: Make, tmp_path: Path) -> None:
    assert run(make_repository, tmp_path, SAMPLE, SEED).total() == SAMPLE


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_campaign_of_random_damage(make_repository: Make, tmp_path: Path, part: int) -> None:
    seen = run(make_repository, tmp_path, CAMPAIGN // PARTS, SEED + part)
    assert seen.total() == CAMPAIGN // PARTS
    assert sum(count for what, count in seen.items() if what.startswith("damage")) >= 10, seen
    assert seen["damage of an older one, missed"] >= 1, "nothing was damaged that the newest does not need"
    told = ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))
    print(f"proof: {seen.total()} damaged repositories, every damage told: {told}")  # noqa: T201
