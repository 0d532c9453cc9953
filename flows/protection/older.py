"""Older points that are kept: restored in turn at the copy's site, and let go of by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sites.drivers.restic.repository import OnProgress
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Keep
from sites.protection.history import Event, History
from sites.protection.restore_test import older_tests
from sites.protection.retained import LET_GO, known
from sites.protection.retention import Rules
from sites.protection.tested import RestoreTestResult


def older_points(
    estate: Estate, name: str, count: int | None, on_progress: OnProgress | None
) -> Iterator[RestoreTestResult]:
    """Of what restic keeps; pgBackRest's log makes one point of all its backups. Raises BlackstartError."""
    declared = estate.plan.datasets[name].backup
    if declared is None or count == 0:
        return
    copy = estate.copy_of(declared.to)
    where = copy or declared.to
    if estate.stanza(where) is not None:
        return
    yield from older_tests(
        estate.dataset(name),
        estate.repository(where),
        estate.room(estate.plan.repositories[where].site) / "restore-test",
        plan=estate.plan.name,
        history=History(estate.history),
        count=count,
        rules=rules_of(declared.keep) if declared.keep else None,
        copied_only=copy is not None,
        foreign=estate.foreign(name),
        questions=estate.questions(name),
        on_progress=on_progress,
    )


def rules_of(keep: Keep) -> Rules:
    given = keep.model_dump(exclude_none=True, exclude={"minimum"})
    return Rules(**given, minimum=timedelta(seconds=keep.minimum.seconds) if keep.minimum else timedelta())


def let_go(estate: Estate, gone: str) -> str:
    """Ask no more for a point that is gone; says which one. Raises PlanError unless just one is so named."""
    history = History(estate.history)
    events = history.events()
    found = [
        (repository, name, first)
        for repository in estate.plan.repositories
        for name in estate.plan.datasets
        for first in known(events, repository, name)
        if first.startswith(gone)
    ]
    if len({first for _, _, first in found}) != 1:
        many = "more than one point is" if found else "no point is"
        raise PlanError(
            f'{many} known by the id "{gone}"',
            hint="`blackstart restore-test` names those that are gone",
        )
    for repository, name, first in found:
        history.append(Event("retention", repository, LET_GO, name, {"points": [first]}))
    return f"{found[0][1]}: point {found[0][2][:8]} is let go"
