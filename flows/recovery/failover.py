"""The failover in earnest: what it would do, doing it, and going on where one was cut off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flows.recovery.clean import choose_clean
from sites.errors import GuardError
from sites.estate import Estate
from sites.protection.history import History
from sites.protection.prediction import Prediction, predicted
from sites.recovery.abandon import abandon
from sites.recovery.chosen import ChosenPoints
from sites.recovery.direction import direction
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Detail, Observer, Run, in_order
from sites.recovery.standing import Standing
from sites.recovery.under_way import confirm_plan
from sites.unprotected import Unprotected

_QUIET = ("check",)


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of the runbook as an operator reads it."""

    step: str
    says: str
    by_hand: str
    needs: tuple[str, ...]


def preview(estate: Estate, *, cold: bool = False) -> list[Planned]:
    """The steps in order; nothing is changed and nobody is asked. Raises GuardError."""
    steps = in_order(runbook_of(estate, lambda *_: None, cold=cold))
    return [Planned(step.name, step.says, step.by_hand, step.needs) for step in steps]


def foretold(estate: Estate) -> Prediction:
    """What restore tests say of how long a cold recovery restores. Raises SiteError."""
    backed_up = [name for name, noun in estate.plan.datasets.items() if noun.backup is not None]
    return predicted(History(estate.history), backed_up)


def perform(
    estate: Estate,
    *,
    environment: str | None,
    resume: bool,
    tell: Callable[[str], None],
    cold: bool = False,
    clean: bool = False,
    confirm: str | None = None,
) -> Run:
    """Fail over, or go on with a failover that was cut off. `tell` hears of every milestone.

    With `cold` no replica is trusted: everything comes from the other site's backups. With `clean` these are
    not the newest: of each dataset the newest point that its own checks call clean, found beforehand.

    One that is resumed goes on as it was begun, cold or not, and with the plan that it began with; `confirm`
    names the SHA-256 of another one that it may go on with.

    Raises GuardError unless the plan's environment is named; RunbookError when another failover runs, or none
    may follow on what was done last.
    """
    require_environment(estate, environment)
    if resume:
        _require_as_begun(estate, cold=cold)
        confirm_plan(estate.state, estate.plan.sha256, confirm)

    def observe(event: str, detail: Detail) -> None:
        if event not in _QUIET:
            tell(f"{event.capitalize()}: {detail.get('step') or detail.get('says', '')}".rstrip(": "))

    if clean and (resume or not cold):
        raise GuardError(
            "clean points are chosen before a cold recovery begins",
            hint="blackstart failover --cold --clean; --resume goes on with the points that were chosen",
        )
    for entry in Unprotected(estate.state).all():
        tell(f"Unprotected before it began: {entry}")
    chosen = ChosenPoints(estate.state)
    if not resume and Standing(estate.state).under_way is None:  # else it is refused, and its choice kept
        chosen.clear()
        if clean:
            choose_clean(
                estate,
                tell,
                lambda name, look: tell(f"{name} of {look.taken:%Y-%m-%dT%H:%M:%SZ}: {look.said}"),
            )
    run = fail_over(estate, runbook_of(estate, observe, cold=cold), observe, resume=resume, cold=cold)
    if run.complete:
        chosen.clear()
    return run


def take_back(
    estate: Estate, *, environment: str | None, tell: Callable[[str], None], confirm: str | None = None
) -> tuple[str, ...]:
    """Abandon a failover that has done nothing irrevocable; the steps that were undone.

    `tell` hears what is left as it is. Raises GuardError unless the plan's environment is named; RunbookError
    when it cannot be taken back.
    """
    require_environment(estate, environment)
    confirm_plan(estate.state, estate.plan.sha256, confirm)
    observe = tell_what_is_left(tell)
    return abandon(estate, runbook_of(estate, observe), observe)


def _require_as_begun(estate: Estate, *, cold: bool) -> None:
    """Whoever types --cold for a failover that began warm means another one."""
    begun = Standing(estate.state).begun
    if cold and begun.run and not begun.cold:
        raise GuardError(
            "this failover began with the replicas, and is not gone on with from backups",
            hint="--resume without --cold; or --abandon, then blackstart failover --cold",
        )


def tell_what_is_left(tell: Callable[[str], None]) -> Observer:
    """Of all that is observed, what a step that was undone leaves as it is."""

    def observe(event: str, detail: Detail) -> None:
        if "left" in detail:
            tell(f"{event.capitalize()}: {detail.get('step', '')}; left as it is: {detail['left']}")

    return observe


def require_environment(estate: Estate, environment: str | None) -> None:
    declared, way = estate.plan.environment, direction(estate)
    if environment != declared:
        raise GuardError(
            f'cannot fail over from "{way.old}" to "{way.new}": '
            f'the environment is "{declared}", named was {environment or "none"}',
            hint=f"--environment {declared}",
        )
