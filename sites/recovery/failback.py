"""Planned changes of the serving site: switchover, and failback after a failover. Two tables, one journal.

A failback protects first: what was lost becomes a standby again, and commits wait for it, while the other
site goes on serving. Only then does it switch, exactly as a planned switchover does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery.begun import Begun
from sites.recovery.direction import Direction, declared_failover, home_alone
from sites.recovery.injection import Hook, nothing
from sites.recovery.journal import Journal
from sites.recovery.own_steps import Weaving
from sites.recovery.promoting import refuse_commands
from sites.recovery.rejoin import protect_step, rejoin_step
from sites.recovery.runbook import Engine, Observer, Run, Step
from sites.recovery.switchover import Switchover
from sites.recovery.under_way import under_way
from sites.recovery.ways_out import ways_out

_SYNC_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Tables:
    """`first` is done as a whole before anything of `then`, and not looked at again once that has begun.

    `plan` is the SHA-256 of the plan that they were made from.
    """

    kind: Literal["switchover", "failback"]
    first: list[Step]
    then: list[Step]
    plan: str = ""

    @property
    def steps(self) -> list[Step]:
        return [*self.first, *self.then]


def switchover(estate: Estate, observe: Observer) -> Tables:
    """From the site that serves in normal times to the other one. Raises GuardError, PlanError."""
    declared = declared_failover(estate)
    way = Direction(declared.from_site, declared.to_site, home=False)
    refuse_commands(estate.promotable(way.new))
    steps = Switchover(estate, observe, way.old, way.new).steps()
    first, then = Weaving(estate, "switchover", declared.switchover, way, observe).woven([], steps)
    return Tables("switchover", first, then, estate.plan.sha256)


def failback(estate: Estate, observe: Observer) -> Tables:
    """From the site that took over to the one that serves in normal times. Raises GuardError, PlanError.

    Where home serves already, because the other site was lost after a switchover, it is only protected again.
    """
    declared, alone = declared_failover(estate), home_alone(estate)
    way = Direction(declared.to_site, declared.from_site, home=True)
    refuse_commands(estate.promotable(way.old))
    change = Switchover(estate, observe, way.old, way.new)
    weaving = Weaving(estate, "failback", declared.failback, way, observe, in_part=alone)
    if alone:
        first, then = weaving.woven([], change.protecting())
    else:
        first, then = weaving.woven(_again(estate, way), change.steps())
    return Tables("failback", first, then, estate.plan.sha256)


def _again(estate: Estate, way: Direction) -> list[Step]:
    """What was lost becomes a standby of the site that serves, and commits wait for it."""
    steps = []
    for name in estate.replicated():
        steps.append(rejoin_step(estate, name, way.new, way.old))
        steps.append(protect_step(estate, name, way.new, way.old))
    return steps


def check_writer(estate: Estate, serving: str, other: str) -> None:
    """That `serving` alone takes writes. Raises GuardError, with the way out; nothing was changed."""
    for name, driver in estate.replicated().items():
        if driver.writable(serving) is not True:
            there = driver.writable(other) is True
            raise GuardError(
                f'site "{serving}" does not serve dataset "{name}": it takes no writes there',
                hint=f'site "{other}" serves it already: there is nothing to change'
                if there
                else "`blackstart status` says who serves",
            )
        if driver.writable(other) is True:
            raise GuardError(
                f'dataset "{name}" takes writes at both sites',
                hint=f'kill site "{other}" unless it is the right one, then go on',
            )


def check_standby(estate: Estate, serving: str, other: str) -> None:
    """That `other` has all that `serving` commits, before anybody is sent away. Raises GuardError."""
    for name, driver in estate.replicated().items():
        proof = driver.wait_until_in_sync(limit_seconds=_SYNC_SECONDS, standby=other, synchronous=False)
        if not proof.holds:
            raise GuardError(
                f'cannot let site "{other}" serve in the place of "{serving}": '
                f'dataset "{name}" is not in sync there: {proof.how}',
                hint="bring its standby back; `blackstart check --roles` says when it is in sync",
            )


def perform(
    state: Path,
    tables: Tables,
    observe: Observer,
    ready: Callable[[], None],
    *,
    resume: bool,
    at: Hook = nothing,
) -> Run:
    """Run both tables under the plan's lock, or go on with what was cut off.

    `ready` is asked before anything begins. Raises RunbookError when it may not begin, or there is nothing to
    resume, and whatever `ready` raises.
    """
    with under_way(state, tables.kind, resume=resume, ready=ready, begun=Begun(plan=tables.plan)) as begun:
        run = _run(begun.journal, tables, observe, at, resume=resume)
        if run.complete:
            begun.end()
        else:
            run = replace(run, way_out=ways_out(state, tables.kind))
    return run


def _run(journal: Journal, tables: Tables, observe: Observer, at: Hook, *, resume: bool) -> Run:
    begun = resume and any(step.name in journal.states for step in tables.then)
    first = Run((), ()) if begun else Engine(tables.first, journal, observe, at=at).run()
    if not first.complete:
        return Run(
            first.completed, first.skipped, first.failed, (*first.blocked, *(s.name for s in tables.then))
        )
    second = Engine(tables.then, journal, observe, at=at).run()
    return Run(
        (*first.completed, *second.completed),
        (*first.skipped, *second.skipped),
        second.failed,
        second.blocked,
    )
