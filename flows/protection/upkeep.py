"""Keep every repository of a plan sound: read it again in turns, forget by the rules, free the room."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from flows.protection.older import rules_of
from flows.protection.protect import Outcome, attempt
from flows.protection.protect_stanza import expire_one, verify_one
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Keep, ResticRepository
from sites.protection.history import History
from sites.protection.retention import Retained, retain
from sites.protection.stanza_upkeep import Expired, Verified
from sites.protection.upkeep import Pruned, Read, prune_if_due, read_next

Kept = Read | Retained | Pruned | Verified | Expired


def keep_up(estate: Estate) -> Iterator[Outcome[Kept]]:
    """Go over all repositories, sources before their copies. One failure never keeps the rest from it.

    Nothing is forgotten in a repository whose packs turned out to be damaged, nor in one that is
    append-only: whoever may delete there does that. Raises PlanError when the plan declares none.
    """
    repositories = estate.plan.repositories
    if not repositories:
        raise PlanError(f'plan "{estate.plan.name}" declares no repository to keep up')
    foreign = estate.foreign_repositories
    for name in sorted(repositories, key=lambda name: repositories[name].copy_of is not None):
        if name in foreign:
            continue  # whoever backs up there keeps it up
        if estate.stanza(name) is not None:
            yield from _stanza(estate, name)
            continue
        read = attempt(name, partial(_read, estate, name))
        yield read
        if read.error is None and not repositories[name].append_only:
            yield from _forget_and_prune(estate, name)


def _stanza(estate: Estate, name: str) -> Iterator[Outcome[Kept]]:
    verified: Outcome[Kept] = attempt(name, partial(verify_one, estate, name))
    yield verified
    if verified.error is None and not estate.plan.repositories[name].append_only:
        yield attempt(name, partial(expire_one, estate, name))


def _restic(estate: Estate, name: str) -> ResticRepository:
    declared = estate.plan.repositories[name]
    if declared.kind != "restic":
        raise PlanError(f'repository "{name}" is not restic\'s')
    return declared


def _read(estate: Estate, name: str) -> Kept:
    parts = _restic(estate, name).read.parts
    return read_next(estate.repository(name), parts, History(estate.history))


def _forget_and_prune(estate: Estate, name: str) -> Iterator[Outcome[Kept]]:
    failed = False
    for dataset, keep in _kept_in(estate, name):
        done = attempt(dataset, partial(_retain, estate, name, dataset, keep))
        failed = failed or done.error is not None
        yield done
    if failed:
        return
    every = timedelta(seconds=_restic(estate, name).prune.seconds)
    history = History(estate.history)
    pruned = attempt(name, partial(prune_if_due, estate.repository(name), every, history))
    if pruned.error is not None or pruned.result is not None:
        yield Outcome(name, pruned.result, pruned.error)


def _kept_in(estate: Estate, repository: str) -> Iterator[tuple[str, Keep]]:
    """The datasets whose points are in a repository, backed up there or copied, with their rules."""
    sources = {repository, estate.plan.repositories[repository].copy_of}
    for name, noun in estate.plan.datasets.items():
        if noun.backup is not None and noun.backup.keep is not None and noun.backup.to in sources:
            yield name, noun.backup.keep


def _retain(estate: Estate, repository: str, dataset: str, keep: Keep) -> Kept:
    copy = estate.copy_of(repository)
    return retain(
        estate.repository(repository),
        dataset,
        rules_of(keep),
        plan=estate.plan.name,
        copy=estate.repository(copy) if copy else None,
        history=History(estate.history),
    )
