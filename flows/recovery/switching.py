"""Switchover and failback in earnest: what each would do, doing it, and going on where one was cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from flows.recovery.failover import Planned, tell_what_is_left
from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery import failback
from sites.recovery.abandon import abandon_change
from sites.recovery.direction import declared_failover, home_alone
from sites.recovery.failback import Tables, check_standby, check_writer
from sites.recovery.runbook import Detail, Observer, Run, in_order
from sites.recovery.under_way import confirm_plan

Kind = Literal["switchover", "failback"]
_QUIET = ("check",)


def tables(estate: Estate, kind: Kind, observe: Observer) -> Tables:
    """Raises GuardError when the plan does not say enough for it."""
    return (
        failback.switchover(estate, observe) if kind == "switchover" else failback.failback(estate, observe)
    )


def preview(estate: Estate, kind: Kind) -> list[Planned]:
    """The steps in order; nothing is changed and nobody is asked. Raises GuardError."""
    both = tables(estate, kind, lambda *_: None)
    steps = [*in_order(both.first), *in_order(both.then)]
    return [Planned(step.name, step.says, step.by_hand, step.needs) for step in steps]


def perform(
    estate: Estate,
    kind: Kind,
    *,
    environment: str | None,
    resume: bool,
    tell: Callable[[str], None],
    confirm: str | None = None,
) -> Run:
    """Change the serving site, or go on with a change that was cut off. `tell` hears of every milestone.
    `confirm` names the SHA-256 of another plan than it began with.

    Raises GuardError unless the plan's environment is named and one site alone takes writes; RunbookError
    when another runbook runs.
    """
    serving, other = _require_environment(estate, kind, environment)
    if resume:
        confirm_plan(estate.state, estate.plan.sha256, confirm)

    def ready() -> None:
        check_writer(estate, serving, other)
        if kind == "switchover":  # a failback makes the standby first
            check_standby(estate, serving, other)

    def observe(event: str, detail: Detail) -> None:
        if event not in _QUIET:
            tell(f"{event.capitalize()}: {detail.get('step') or detail.get('says', '')}".rstrip(": "))

    return failback.perform(
        estate.state,
        tables(estate, kind, observe),
        observe,
        ready=ready,
        resume=resume,
    )


def take_back(
    estate: Estate,
    kind: Kind,
    *,
    environment: str | None,
    tell: Callable[[str], None],
    confirm: str | None = None,
) -> tuple[str, ...]:
    """Abandon a change that has promoted nothing; the steps that were undone. `tell` hears what is left.

    Raises GuardError unless the plan's environment is named; RunbookError when it cannot be taken back.
    """
    _require_environment(estate, kind, environment)
    confirm_plan(estate.state, estate.plan.sha256, confirm)
    observe = tell_what_is_left(tell)
    return abandon_change(estate, tables(estate, kind, observe), observe)


def _require_environment(estate: Estate, kind: Kind, environment: str | None) -> tuple[str, str]:
    declared = estate.plan.environment
    serving, other = sites(estate, kind)
    if environment != declared:
        raise GuardError(
            f'cannot change the serving site from "{serving}" to "{other}": '
            f'the environment is "{declared}", named was {environment or "none"}',
            hint=f"--environment {declared}",
        )
    return serving, other


def sites(estate: Estate, kind: Kind) -> tuple[str, str]:
    """Who serves before it, and who does not."""
    failover = declared_failover(estate)
    there, back = failover.from_site, failover.to_site
    return (there, back) if kind == "switchover" or home_alone(estate) else (back, there)
