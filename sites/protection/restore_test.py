"""Prove that a dataset can be restored at DR: restore the newest copied point, apart, and compare it.

The verdict is *met* only if every entry of the manifest taken at the source came back. Damage, a missing
file or no point at all is *missed*. What could not be looked at is *inconclusive*, never met. Older points
that are kept get the same in turn: a repository's packs rot whether or not the newest point needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import OnProgress, Restic
from sites.drivers.restic.results import Listing
from sites.points import Foreign, Point, of_the_past, points
from sites.protection.history import Event, History
from sites.protection.retained import gone, in_turn, known
from sites.protection.retention import Rules
from sites.protection.staging import Dumpable
from sites.protection.tested import Doubt, RestoreTestResult, event_of
from sites.protection.trial import Trial
from sites.restored import Question

_NAMED_MAX = 20


def restore_test(
    dataset: FilesDataset | Dumpable,
    repository: Restic,
    scratch: Path,
    *,
    plan: str | None = None,
    history: History | None = None,
    copied_only: bool = True,
    questions: Sequence[Question] = (),
    foreign: Foreign | None = None,
    on_progress: OnProgress | None = None,
) -> RestoreTestResult:
    """Restore the newest point of `dataset` of `plan` from `repository` apart, below `scratch`.

    What came back is compared, opened if it is a dump, and then asked the user's `questions`.

    With `copied_only` only points that were copied here count, as they do at DR. The local cache is not
    used, so damage cannot hide behind it. The folder is removed afterwards. `history` gets the result.
    Raises nothing for what went wrong with the restore: that is the verdict.
    """
    doubt = Doubt()
    trial = Trial(dataset, repository.uncached(), scratch, questions, on_progress)
    result = RestoreTestResult(dataset.name, repository.name, "inconclusive", "not begun")
    with doubt.catching():
        found = _points(trial, doubt, foreign, plan, copied_only=copied_only)
        _refuse_older(dataset.name, repository.name, found, history, doubt)
        if counted := of_the_past(found):
            apart = Doubt()
            result = trial.of(counted[-1], apart, result)
            doubt.take(apart)
        elif found:
            doubt.unknown.append("all of its points lie in the future: a clock is wrong, so none counts")
        else:
            doubt.missed.append(f'repository "{repository.name}" has no copied snapshot of it')
    return _kept(doubt.judged(result), history)


def older_tests(
    dataset: FilesDataset | Dumpable,
    repository: Restic,
    scratch: Path,
    *,
    plan: str | None = None,
    history: History,
    count: int | None = 1,
    rules: Rules | None = None,
    copied_only: bool = True,
    questions: Sequence[Question] = (),
    foreign: Foreign | None = None,
    on_progress: OnProgress | None = None,
) -> Iterator[RestoreTestResult]:
    """Restore `count` older points of `dataset` in the same way, those first whose turn it is; None: all.

    A point that had arrived, that `rules` still want and that is not there any more is *missed* as well.
    Questions are asked where nothing else tells what a point should be: they are about what is newest.
    """
    doubt = Doubt()
    trial = Trial(dataset, repository.uncached(), scratch, questions if foreign else (), on_progress)
    events: list[Event] = []
    turns: list[Point] = []
    with doubt.catching():
        events = history.events()
        found = _points(trial, doubt, foreign, plan, copied_only=copied_only)
        told = known(events, repository.name, dataset.name)
        _refuse_gone(gone(told, found, rules, dataset.name, datetime.now(UTC)), repository.name, doubt)
        newest = of_the_past(found)[-1:]
        turns = in_turn([p for p in found if p not in newest], told, events, repository.name)
    blank = RestoreTestResult(dataset.name, repository.name, "inconclusive", "not begun", older=True)
    if doubt.missed or doubt.unknown:
        yield _kept(doubt.judged(blank), history)
    for point in turns[:count]:
        apart = Doubt()
        yield _kept(apart.judged(trial.of(point, apart, blank)), history)


def _points(
    trial: Trial, doubt: Doubt, foreign: Foreign | None, plan: str | None, *, copied_only: bool
) -> list[Point]:
    listing: Listing = trial.repository.snapshots()
    if listing.unreadable:
        doubt.unknown.append(f"snapshots {', '.join(listing.unreadable)} cannot be read, of any dataset")
    found = points(listing.snapshots, trial.dataset.name, foreign, plan=plan)
    return [p for p in found if p.copied or p.foreign or not copied_only]


def _refuse_older(
    dataset: str, repository: str, found: Sequence[Point], history: History | None, doubt: Doubt
) -> None:
    """A point that has arrived and is gone is a loss, though an older one may still come back."""
    event = history.last("replication", repository=repository, outcomes=("done",)) if history else None
    arrived = event.detail.get("newest", {}).get(dataset) if event else None
    if arrived and not any(point.taken >= datetime.fromisoformat(arrived) for point in found):
        doubt.missed.append(f'the point of {arrived} had arrived in "{repository}" and is gone')


def _refuse_gone(lost: Sequence[str], repository: str, doubt: Doubt) -> None:
    if lost:
        named = ", ".join(first[:8] for first in lost[:_NAMED_MAX])
        doubt.missed.append(
            f'gone from "{repository}", where they had arrived and are to be kept: {named} '
            "(`blackstart restore-test --let-go ID` where one was meant to go)"
        )


def _kept(result: RestoreTestResult, history: History | None) -> RestoreTestResult:
    if history:
        history.append(event_of(result))
    return result
