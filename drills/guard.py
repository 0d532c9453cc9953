"""What must hold before a drill may do damage. A guard that cannot be checked refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drills.copies import copies
from drills.faults.struck import struck_sites
from drills.lever import Lever
from drills.preview import Preview
from drills.undo import UndoIntents
from rto_rpo.durable import make_folder, try_lock
from sites.errors import BlackstartError, GuardError, RunbookError
from sites.estate import Estate
from sites.plan import Drill
from sites.protection.history import History
from sites.recovery.fence import Fences
from sites.recovery.lock import cannot_lock, opened
from sites.recovery.under_way import cut_off

RESTORE_TEST_DAYS_MAX = 7


@contextmanager
def only_drill(state: Path) -> Iterator[None]:
    """Hold the drill lock of a plan's state, which a dead holder loses.

    Raises GuardError while another drill runs, or is being undone, and where that cannot be known.
    """
    path = state / "drill.lock"
    try:
        make_folder(state)
        fd = opened(path)
    except OSError as error:
        raise _unknown(path, error) from error
    try:
        _lock(fd, state)
        yield
    finally:
        os.close(fd)


def _unknown(path: Path, error: OSError) -> GuardError:
    told = cannot_lock(path, error)
    return GuardError(str(told), hint=told.hint)


def _lock(fd: int, state: Path) -> None:
    try:
        ours = try_lock(fd)
    except OSError as error:
        raise _unknown(state / "drill.lock", error) from error
    if not ours:
        raise GuardError(
            f'cannot begin: another drill is running on the plan with state "{state}", or is being undone',
            hint="wait for its end, or break it off with `blackstart stop`",
        )


def check_authority(
    estate: Estate, drill: Drill, preview: Preview, environment: str | None, confirm: str | None
) -> None:
    """That somebody means this drill, here, on these targets. Raises GuardError."""
    name, declared = preview.drill, estate.plan.environment
    if environment != declared:
        said = f'"{environment}"' if environment else "none"
        raise GuardError(
            f'cannot run drill "{name}": its environment is "{declared}", named was {said}',
            hint=f"--environment {declared}",
        )
    for site in sorted(struck_sites(estate, drill.fault)):
        if not estate.plan.sites[site].drills:
            raise GuardError(
                f'cannot run drill "{name}": site "{site}" has not opted in',
                hint="`drills: true` in the site allows it",
            )
    if confirm != preview.confirm:
        given = f'"{confirm}" was given' if confirm else "none was given"
        raise GuardError(
            f'cannot run drill "{name}": the hash of its targets is {preview.confirm}, {given}',
            hint=f"look at `blackstart drill {name} --preview`, then --confirm {preview.confirm}",
        )


def check_health(estate: Estate, name: str) -> None:
    """That the other site could take over, and no earlier drill left anything. Raises GuardError."""
    problems = [*_stopped(estate), *left_over(estate), *_out_of_sync(estate), *_unproven(estate)]
    if problems:
        raise GuardError(f'cannot run drill "{name}": ' + "; ".join(problems), hint="nothing was changed")


def _stopped(estate: Estate) -> Iterator[str]:
    why = Lever(estate.state).pulled
    if why is not None:
        yield f"the stop lever was pulled: {why} (`blackstart stop --release`)"


def left_over(estate: Estate) -> Iterator[str]:
    """What earlier drills and failovers left behind that only somebody's act puts right."""
    for undo in UndoIntents(estate.state).pending():
        yield f'drill "{undo.drill}" of {undo.utc} was never undone (`blackstart recover` does it)'
    for site in estate.plan.sites:
        if Fences(estate.state).raised(site):
            yield (
                f'site "{site}" is fenced (`blackstart failback` makes it a standby again and lets it serve; '
                f"by hand: re-protect it, then remove {Fences(estate.state).file(site)})"
            )
    try:
        if (kind := cut_off(estate.state)) is not None:
            yield f"a {kind} was cut off or stopped at a gate (`blackstart {kind} --resume`)"
    except RunbookError as error:
        yield f"the failover's journal cannot be had: {error}"


def _out_of_sync(estate: Estate) -> Iterator[str]:
    for name, copy in copies(estate).items():
        try:
            proof = copy.driver.in_sync()
        except BlackstartError as error:
            yield f'dataset "{name}": its standby cannot be asked: {error}'
        else:
            if not proof.holds:
                yield f'dataset "{name}" is not in sync: {proof.how}'


def _unproven(estate: Estate) -> Iterator[str]:
    history = History(estate.history)
    for name, dataset in estate.plan.datasets.items():
        if dataset.backup is None and dataset.kind != "objects":  # a bucket has its replica, tried likewise
            continue
        what = "replica" if dataset.kind == "objects" else "backup"
        last = history.last("restore_test", dataset=name)
        newest = history.last("backup", dataset=name)
        if newest is not None and newest.outcome == "failed":
            yield f'the last backup of dataset "{name}" failed'
        if last is None:
            yield f'the {what} of dataset "{name}" was never restored (`blackstart restore-test` does it)'
        elif datetime.now(UTC) - last.utc > timedelta(days=RESTORE_TEST_DAYS_MAX):
            yield f'the last restore test of dataset "{name}" is older than {RESTORE_TEST_DAYS_MAX} days'
        elif last.outcome != "met":
            yield f'the last restore test of dataset "{name}" was {last.outcome}'
