"""Planned changes of the serving site: switchover, and failback after a failover. Two tables, one journal.

A failback protects first: what was lost becomes a standby again, and commits wait for it, while the other
site goes on serving. Only then does it switch, exactly as a planned switchover does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sites.errors import GuardError, RunbookError
from sites.estate import Estate
from sites.recovery.journal import Journal
from sites.recovery.rejoin import protect_step, rejoin_step
from sites.recovery.respond import declared_failover
from sites.recovery.runbook import Engine, Observer, Run, Step
from sites.recovery.switchover import Switchover


@dataclass(frozen=True, slots=True)
class Tables:
    """`first` is done as a whole before anything of `then`, and not looked at again once that has begun."""

    kind: str
    first: list[Step]
    then: list[Step]

    @property
    def steps(self) -> list[Step]:
        return [*self.first, *self.then]


def switchover(estate: Estate, observe: Observer) -> Tables:
    """From the site that serves in normal times to the other one. Raises GuardError."""
    declared = declared_failover(estate)
    return Tables("switchover", [], Switchover(estate, observe, declared.from_site, declared.to_site).steps())


def failback(estate: Estate, observe: Observer) -> Tables:
    """From the site that took over to the one that serves in normal times. Raises GuardError."""
    declared = declared_failover(estate)
    home, away = declared.from_site, declared.to_site
    then = Switchover(estate, observe, away, home).steps()
    first = [
        step
        for name in estate.replicated()
        for step in (rejoin_step(estate, name, home, away), protect_step(estate, name, home, away))
    ]
    return Tables("failback", first, then)


def kind_of(journal: Path) -> str:
    """What was cut off, by the step that its journal begins with: a failover's first is the fence."""
    first = journal.read_bytes().partition(b"\n")[0]
    begins_with = {"rejoin": "failback", "drain": "switchover", "stop": "switchover"}
    try:
        return begins_with.get(str(json.loads(first)["step"]).split()[0], "failover")
    except (ValueError, LookupError, TypeError):
        return "failover"


def check_writer(estate: Estate, serving: str, other: str) -> None:
    """That `serving` alone takes writes. Raises GuardError, with the way out; nothing was changed."""
    for name, driver in estate.replicated().items():
        if driver.writable(serving) is not True:
            raise GuardError(
                f'site "{serving}" does not serve dataset "{name}": it takes no writes there',
                hint="`blackstart status` says who serves",
            )
        if driver.writable(other) is True:
            raise GuardError(
                f'dataset "{name}" takes writes at both sites',
                hint=f'kill site "{other}" unless it is the right one, then go on',
            )


def perform(
    journal: Journal, tables: Tables, observe: Observer, ready: Callable[[], None], resume: bool
) -> Run:
    """Run both tables under the plan's lock, or go on with what was cut off.

    `ready` is asked before anything begins. Raises RunbookError for a journal that does not fit, and whatever
    `ready` raises.
    """
    if not resume:
        journal = _begin(journal, ready)
    with journal:
        if resume and (not journal.states or kind_of(journal.path) != tables.kind):
            raise RunbookError(
                f"there is no {tables.kind} to resume", hint="`blackstart status` says what was cut off"
            )
        run = _run(journal, tables, observe, resume=resume)
        if run.complete:
            journal.put_away()
    return run


def _begin(journal: Journal, ready: Callable[[], None]) -> Journal:
    """A journal with nothing in it. One that was cut off between two steps is put away: what is done is seen
    in the world, and what kind of runbook a journal is of by what it begins with.
    """
    try:
        _refuse_unfinished(journal)
        ready()
        if not journal.states:
            return journal
        journal.put_away()
    except BaseException:
        journal.close()
        raise
    journal.close()
    return Journal(journal.path)


def _refuse_unfinished(journal: Journal) -> None:
    if journal.unfinished:
        raise RunbookError(
            f"an earlier runbook was cut off (journal {journal.path})", hint="go on with it: --resume"
        )


def _run(journal: Journal, tables: Tables, observe: Observer, *, resume: bool) -> Run:
    begun = resume and any(step.name in journal.states for step in tables.then)
    first = Run((), ()) if begun else Engine(tables.first, journal, observe).run()
    if not first.complete:
        return Run(
            first.completed, first.skipped, first.failed, (*first.blocked, *(s.name for s in tables.then))
        )
    second = Engine(tables.then, journal, observe).run()
    return Run(
        (*first.completed, *second.completed),
        (*first.skipped, *second.skipped),
        second.failed,
        second.blocked,
    )
