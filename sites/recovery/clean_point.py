"""The newest clean recovery point: found by bisection, each point restored and put to the user's checks.

Whoever encrypts files or forges rows does so at some moment, and the backups after it hold the damage. So
between a point that is known to be clean and one that is not, half of those in question go with each look. A
point that could not be judged is not taken for clean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sites.drivers.restic.repository import Restic
from sites.errors import BlackstartError, RepositoryError
from sites.points import DUMP_NAME, Foreign, Point, of_the_past, points
from sites.restored import Answer, Question, Verdict, answers


@dataclass(frozen=True, slots=True)
class Look:
    """One point that was looked at: clean (met), not clean (missed), or it could not be told."""

    snapshot_id: str
    taken: datetime
    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class CleanPoint:
    """`clean` is the newest point that was seen to be clean, if any was. `after` is the next newer one.

    `looks` are in the order in which they were made; `points` is how many there are.
    """

    dataset: str
    repository: str
    points: int
    clean: Look | None
    after: Look | None
    looks: tuple[Look, ...]

    @property
    def certain(self) -> bool:
        """Whether what comes after the clean point is known to be bad: else a newer one may be clean too."""
        return self.clean is not None and (self.after is None or self.after.verdict == "missed")


def bisect(count: int, clean: Callable[[int], bool]) -> int | None:
    """The highest of 0 ... count-1 that is clean, if all below it are and none above it is."""
    if not count:
        return None
    if clean(count - 1):
        return count - 1
    if count == 1 or not clean(0):
        return None
    low, high = 0, count - 1  # the one is clean, the other is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if clean(middle) else (low, middle)
    return low


def newest_clean(
    dataset: object,
    name: str,
    repository: Restic,
    questions: Sequence[Question],
    scratch: Path,
    *,
    plan: str | None = None,
    foreign: Foreign | None = None,
    tell: Callable[[Look], None] = lambda _: None,
) -> CleanPoint:
    """Look for the newest point of `dataset` of `plan` that answers all questions well.

    Every look restores one point into a closed folder below `scratch`, never over anything, with no lock.
    Raises RepositoryError when there are no points, or nothing to ask of them.
    """
    if not questions:
        raise RepositoryError(
            f'cannot tell a clean point of dataset "{name}": it declares no checks',
            hint="`checks` of the dataset say what clean means",
        )
    reader = repository.unlocked()
    listed = points(reader.snapshots().snapshots, name, foreign, plan=plan)
    found = [point for point in of_the_past(listed) or listed if point.complete]
    if not found:
        raise RepositoryError(f'repository "{repository.name}" has no complete point of dataset "{name}"')
    looks: dict[int, Look] = {}

    def clean(at: int) -> bool:
        looks[at] = _look(dataset, reader, found[at], questions, scratch)
        tell(looks[at])
        return looks[at].verdict == "met"

    at = bisect(len(found), clean)
    return CleanPoint(
        name,
        repository.name,
        len(found),
        looks[at] if at is not None else None,
        looks.get(at + 1) if at is not None else looks[0],
        tuple(looks.values()),
    )


def _look(
    dataset: object, repository: Restic, point: Point, questions: Sequence[Question], scratch: Path
) -> Look:
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="clean-point-", dir=scratch) as folder:
            repository.restore(point.snapshot.id, Path(folder))
            root = point.root_in(Path(folder))
            dump = root / DUMP_NAME
            checks_dump = getattr(dataset, "check_dump", None) if not point.foreign else None
            if checks_dump is not None:
                checks_dump(dump)
            found = answers(questions, dataset, root if checks_dump is None else dump, scratch)
    except (BlackstartError, OSError) as error:
        return Look(point.snapshot.first_id, point.taken, "inconclusive", f"not restored: {error}")
    return Look(point.snapshot.first_id, point.taken, _worst(found), _said(found))


def _worst(found: Sequence[Answer]) -> Verdict:
    verdicts = {answer.verdict for answer in found}
    return "missed" if "missed" in verdicts else "inconclusive" if "inconclusive" in verdicts else "met"


def _said(found: Sequence[Answer]) -> str:
    worst = _worst(found)
    return "; ".join(f"{answer.name}: {answer.said}" for answer in found if answer.verdict == worst)
