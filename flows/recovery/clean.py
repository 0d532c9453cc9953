"""The newest clean point of a dataset, from the copy at the other site; in words and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sites.errors import GuardError, PlanError
from sites.estate import Estate
from sites.recovery.chosen import ChosenPoints
from sites.recovery.clean_point import CleanPoint, Look, newest_clean
from sites.restore import ChosenPoint


def clean_point(estate: Estate, dataset: str, tell: Callable[[Look], None]) -> CleanPoint:
    """Raises PlanError for a dataset without a backup, RepositoryError."""
    driver = estate.dataset(dataset)
    declared = estate.plan.datasets[dataset].backup
    if declared is None:
        raise PlanError(f'dataset "{dataset}" has no backup, so it has no points')
    where = estate.copy_of(declared.to) or declared.to
    if estate.stanza(where) is not None:
        raise PlanError(
            f'dataset "{dataset}" is backed up by pgBackRest, and clean points are looked for in snapshots',
            hint="`blackstart restore-test` proves its newest point; back it up by restic as well",
        )
    scratch = estate.state / "clean-point"
    return newest_clean(
        driver,
        dataset,
        estate.repository(where),
        estate.questions(dataset),
        scratch,
        plan=estate.plan.name,
        foreign=estate.foreign(dataset),
        tell=tell,
    )


def choose_clean(
    estate: Estate, tell: Callable[[str], None], look: Callable[[str, Look], None]
) -> dict[str, CleanPoint]:
    """Find the newest clean point of every dataset that has `checks`, and choose those for a cold recovery.

    One without checks cannot be judged: `tell` says so, and its newest point is taken. Raises GuardError,
    with nothing chosen, when a dataset has no clean point or it cannot be told whether a newer one is clean.
    """
    found: dict[str, CleanPoint] = {}
    for name, noun in estate.plan.datasets.items():
        if noun.backup is None:
            continue
        if not noun.checks:
            tell(f"{name}: not judged, it declares no checks; its newest point is taken")
            continue
        found[name] = clean_point(estate, name, partial(look, name))
        if not found[name].certain:
            raise GuardError(
                f"cannot choose clean points: {'; '.join(lines(found[name]))}",
                hint="see to its checks, or recover without it: nothing was changed",
            )
    chosen = {
        name: ChosenPoint(one.clean.snapshot_id, f"clean as of {one.clean.taken:%Y-%m-%dT%H:%M:%SZ}")
        for name, one in found.items()
        if one.clean is not None
    }
    if not chosen:
        raise GuardError("cannot choose clean points: no dataset declares `checks`, which say what clean is")
    ChosenPoints(estate.state).choose(chosen)
    return found


def exit_code(found: CleanPoint) -> int:
    """1 when none is clean, 3 when a newer one may be clean that could not be judged."""
    if found.clean is None:
        return 1 if all(look.verdict == "missed" for look in found.looks) else 3
    return 0 if found.certain else 3


def lines(found: CleanPoint) -> list[str]:
    looked = f"{len(found.looks)} of {found.points} points looked at, in {found.repository}"
    if found.clean is None:
        oldest = f"the oldest says: {found.after.said}" if found.after else ""
        return [f"{found.dataset}: no point is clean; {oldest}", looked]
    told = [
        f"{found.dataset}: clean as of {found.clean.taken:%Y-%m-%dT%H:%M:%SZ}",
        f"snapshot {found.clean.snapshot_id}: {found.clean.said}",
    ]
    if found.after is not None:
        how = "not clean" if found.after.verdict == "missed" else "COULD NOT BE JUDGED"
        told.append(f"the next one, of {found.after.taken:%Y-%m-%dT%H:%M:%SZ}, is {how}: {found.after.said}")
    return [*told, looked]
