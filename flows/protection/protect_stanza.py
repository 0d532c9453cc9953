"""What `protect`, `exposed` and `upkeep` do with a dataset that pgBackRest backs up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from sites.drivers.pgbackrest.stanza import Stanza
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Backup, PostgresDataset
from sites.plan import Stanza as StanzaNoun
from sites.protection.exposure import Declared, Exposure
from sites.protection.history import History
from sites.protection.policy import Policy
from sites.protection.stanza_backup import MarkArrived, StanzaBackup, back_up_stanza, send_mark
from sites.protection.stanza_point import exposure
from sites.protection.stanza_test import Restorable, restore_stanza_test
from sites.protection.stanza_upkeep import Expired, Verified, expire, verify
from sites.protection.tested import RestoreTestResult


def repositories(estate: Estate, declared: Backup) -> list[str]:
    """Where pgBackRest keeps a dataset's backups: where it is backed up to, and every copy of that."""
    copies = [name for name, r in estate.plan.repositories.items() if r.copy_of == declared.to]
    return [declared.to, *copies] if estate.stanza(declared.to) is not None else []


def back_up_one(estate: Estate, name: str, repository: str, policy: Policy) -> StanzaBackup:
    return back_up_stanza(
        name,
        _stanza(estate, repository),
        full_every=timedelta(seconds=_noun(estate, repository).full.seconds),
        history=History(estate.history),
        policy=policy,
    )


def marked(estate: Estate, target: str) -> Iterator[str]:
    """The datasets of ours whose log has to be in a repository of pgBackRest's that is a copy."""
    source = estate.plan.repositories[target].copy_of
    for name, noun in estate.plan.datasets.items():
        backup = noun.backup if estate.stanza(target) is not None else None
        if backup is not None and backup.by == "blackstart" and backup.to == source:
            yield name


def send(estate: Estate, name: str, target: str) -> MarkArrived:
    dataset, noun = estate.postgres(name), _dataset(estate, name)
    mark = partial(dataset.mark, noun.primary.site)
    return send_mark(name, mark, _stanza(estate, target), history=History(estate.history))


def restore_test_one(
    estate: Estate, name: str, repository: str, until: datetime | None = None
) -> RestoreTestResult:
    """With `until` not of the newest point: then it proves nothing about that, and is in no history."""
    noun = _dataset(estate, name)
    room = estate.room(estate.plan.repositories[repository].site)
    return restore_stanza_test(
        Restorable(name, noun.database, noun.user),
        _stanza(estate, repository),
        room / "restore-test",
        history=History(estate.history) if until is None else None,
        questions=estate.questions(name),
        until=until,
    )


def exposed_one(estate: Estate, declared: Declared, stanza: Stanza) -> Exposure:
    noun = _dataset(estate, declared.dataset)
    return exposure(
        declared,
        stanza,
        history=History(estate.history),
        now=datetime.now(UTC),
        next_transaction=partial(estate.postgres(declared.dataset).next_transaction, noun.primary.site),
    )


def verify_one(estate: Estate, repository: str) -> Verified:
    return verify(_stanza(estate, repository), History(estate.history))


def expire_one(estate: Estate, repository: str) -> Expired:
    return expire(_stanza(estate, repository), History(estate.history))


def _stanza(estate: Estate, repository: str) -> Stanza:
    found = estate.stanza(repository)
    if found is None:
        raise PlanError(f'repository "{repository}" is not pgBackRest\'s')
    return found


def _noun(estate: Estate, repository: str) -> StanzaNoun:
    declared = estate.plan.repositories[repository]
    if declared.kind != "pgbackrest":
        raise PlanError(f'repository "{repository}" is not pgBackRest\'s')
    return declared


def _dataset(estate: Estate, name: str) -> PostgresDataset:
    declared = estate.plan.datasets[name]
    if declared.kind != "postgres":
        raise PlanError(f'dataset "{name}" is of kind {declared.kind}, and pgBackRest takes PostgreSQL alone')
    return declared
