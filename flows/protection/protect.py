"""Back up, replicate and restore-test all that a plan declares: one failure never keeps the rest from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from flows.protection.older import older_points
from flows.protection.protect_stanza import back_up_one, marked, repositories, restore_test_one, send
from sites.drivers.restic.repository import OnProgress
from sites.drivers.restic.results import Progress
from sites.errors import BlackstartError, PlanError
from sites.estate import Estate
from sites.plan import Backup
from sites.protection.backup import BackupResult, backup
from sites.protection.history import History
from sites.protection.objects.replication import ObjectsReplicated, replicate_objects
from sites.protection.objects.restore_test import restore_test_objects
from sites.protection.policy import Alarm, Policy
from sites.protection.replication import ReplicationResult, replicate
from sites.protection.restore_test import restore_test
from sites.protection.stanza_backup import MarkArrived, StanzaBackup
from sites.protection.tested import RestoreTestResult

_Result = TypeVar("_Result")
Made = BackupResult | StanzaBackup
Replicated = ReplicationResult | MarkArrived | ObjectsReplicated
OnNamedProgress = Callable[[str, Progress], None]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_Result]):
    """What became of one dataset or repository: a result, or the error that kept it from having one."""

    subject: str
    result: _Result | None = None
    error: BlackstartError | None = None


def back_up(
    estate: Estate, names: Sequence[str] | None = None, on_progress: OnNamedProgress | None = None
) -> Iterator[Outcome[Made]]:
    """Make a recovery point of each dataset named, or of all that are backed up. Raises PlanError."""
    for name, declared in _backed_up(estate, names).items():
        if declared.by == "external":
            if name in (names or ()):
                raise PlanError(f'dataset "{name}" is backed up by somebody else: `by: external`')
            continue
        for stanza in repositories(estate, declared):
            yield attempt(name, partial(back_up_one, estate, name, stanza, _policy(estate, declared)))
        if estate.stanza(declared.to) is None:
            heard = partial(on_progress, name) if on_progress else None
            yield attempt(name, partial(_back_up, estate, name, declared, heard))


def replicate_all(estate: Estate) -> Iterator[Outcome[Replicated]]:
    """Bring every repository that is a copy, and every replica of a bucket, up to date.

    Raises PlanError when the plan declares none of either.
    """
    copies = {name: r.copy_of for name, r in estate.plan.repositories.items() if r.copy_of is not None}
    buckets = [name for name, noun in estate.plan.datasets.items() if noun.kind == "objects"]
    if not copies and not buckets:
        raise PlanError(
            f'plan "{estate.plan.name}" declares nothing to replicate',
            hint="give a repository `copy_of`, or declare a dataset of objects",
        )
    for name in buckets:
        yield attempt(name, partial(_replicate_objects, estate, name))
    foreign = estate.foreign_repositories
    for target, source in copies.items():
        if target in foreign:
            continue  # whoever backs up copies too
        for name in marked(estate, target):
            yield attempt(target, partial(send, estate, name, target))
        if estate.stanza(target) is None:
            yield attempt(target, partial(_replicate, estate, source, target))


def restored_as_of(
    estate: Estate, names: Sequence[str] | None, until: datetime
) -> Iterator[Outcome[RestoreTestResult]]:
    """Restore datasets as they were at a moment, apart: those that pgBackRest backs up. Raises PlanError."""
    for name, declared in _backed_up(estate, names).items():
        where = estate.copy_of(declared.to) or declared.to
        if estate.stanza(where) is not None:
            yield attempt(name, partial(restore_test_one, estate, name, where, until))
        elif names:
            raise PlanError(
                f'dataset "{name}" is kept as snapshots, and cannot be had as of a moment between them',
                hint="only what pgBackRest backs up can; `blackstart clean-point` looks among snapshots",
            )


def restore_tests(
    estate: Estate,
    names: Sequence[str] | None = None,
    on_progress: OnNamedProgress | None = None,
    *,
    everything: bool = False,
) -> Iterator[Outcome[RestoreTestResult]]:
    """Restore each dataset's newest copied point apart, at the copy's site, and compare; then older ones.

    So many as the plan says, in turn, or with `everything` all of them. Raises PlanError.
    """
    buckets = [n for n, d in estate.plan.datasets.items() if d.kind == "objects" and n in (names or [n])]
    for name in buckets:
        yield attempt(name, partial(_restore_test_objects, estate, name))
    others = [name for name in names or () if name not in buckets]
    if buckets and not others and (names or not _has_backups(estate)):
        return
    for name, declared in _backed_up(estate, others).items():
        heard = partial(on_progress, name) if on_progress else None
        yield attempt(name, partial(_restore_test, estate, name, declared, heard))
        yield from _older(estate, name, None if everything else declared.older, heard)


def _back_up(estate: Estate, name: str, declared: Backup, on_progress: OnProgress | None) -> Made:
    noun = estate.plan.datasets[name]
    return backup(
        estate.dataset(name),
        estate.repository(declared.to),
        plan=estate.plan.name,
        staging=estate.state / "staging",
        site=noun.primary.site if noun.kind == "postgres" else noun.site,
        history=History(estate.history),
        policy=_policy(estate, declared),
        on_progress=on_progress,
    )


def _policy(estate: Estate, declared: Backup) -> Policy:
    alarm = declared.alarm
    return Policy(
        tags=declared.tags,
        before=declared.before,
        after=declared.after,
        folder=estate.plan.folder,
        limit_seconds=declared.limit.seconds,
        alarm=Alarm(alarm.factor, alarm.runs) if alarm else None,
    )


def _replicate(estate: Estate, source: str, target: str) -> Replicated:
    return replicate(
        estate.repository(source),
        estate.repository(target),
        plan=estate.plan.name,
        history=History(estate.history),
    )


def _replicate_objects(estate: Estate, name: str) -> ObjectsReplicated:
    work = estate.state / "objects" / name
    return replicate_objects(estate.objects(name), work, history=History(estate.history))


def _restore_test_objects(estate: Estate, name: str) -> RestoreTestResult:
    dataset = estate.objects(name)
    return restore_test_objects(
        dataset,
        estate.room(dataset.replica_site) / "restore-test",
        history=History(estate.history),
        questions=estate.questions(name),
    )


def _restore_test(
    estate: Estate, name: str, declared: Backup, on_progress: OnProgress | None
) -> RestoreTestResult:
    copy = estate.copy_of(declared.to)
    where = copy or declared.to
    if estate.stanza(where) is not None:
        return restore_test_one(estate, name, where)
    room = estate.room(estate.plan.repositories[where].site)
    return restore_test(
        estate.dataset(name),
        estate.repository(where),
        room / "restore-test",
        plan=estate.plan.name,
        history=History(estate.history),
        copied_only=copy is not None,
        foreign=estate.foreign(name),
        questions=estate.questions(name),
        on_progress=on_progress,
    )


def _older(
    estate: Estate, name: str, count: int | None, on_progress: OnProgress | None
) -> Iterator[Outcome[RestoreTestResult]]:
    try:
        for result in older_points(estate, name, count, on_progress):
            yield Outcome(name, result)
    except BlackstartError as error:
        yield Outcome(name, error=error)


def _has_backups(estate: Estate) -> bool:
    return any(noun.backup is not None for noun in estate.plan.datasets.values())


def _backed_up(estate: Estate, names: Sequence[str] | None) -> dict[str, Backup]:
    backed_up = {n: noun.backup for n, noun in estate.plan.datasets.items() if noun.backup is not None}
    unknown = [name for name in names or () if name not in backed_up]
    if unknown or not backed_up:
        what = f'no dataset with a backup is named "{unknown[0]}"' if unknown else "no dataset has a backup"
        raise PlanError(what, hint=f"declared: {', '.join(backed_up) or 'none'}")
    return {name: declared for name, declared in backed_up.items() if not names or name in names}


def attempt(subject: str, act: Callable[[], _Result]) -> Outcome[_Result]:
    """An expected error becomes the outcome; whatever else goes wrong is raised."""
    try:
        return Outcome(subject, act())
    except BlackstartError as error:
        return Outcome(subject, error=error)
