"""The plan's runbook as a document: failover, switchover and failback, each step with what a person types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from rto_rpo.report.forms.runbook import Chapter, Runbook, RunbookStep, html, markdown
from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery import failback
from sites.recovery.direction import declared_failover, direction
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import Step, in_order

_MEANS = {
    "failover": "Site {old} is lost: site {new} takes over.",
    "switchover": "Both sites are well: site {new} serves in the place of site {old}, and nothing is lost.",
    "failback": "Site {old} is there again: it becomes a standby, and then serves as in normal times.",
}


def document(estate: Estate, now: datetime | None = None) -> Runbook:
    """Changes nothing, and needs nobody alive. Raises GuardError when the plan declares no failover."""
    declared, plan = declared_failover(estate), estate.plan
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")

    def quiet(*_: object) -> None:
        """Nobody is told."""

    def planned(act: str, tables: Callable[[], failback.Tables]) -> Chapter:
        def steps() -> Sequence[Step]:
            both = tables()
            return [*in_order(both.first), *in_order(both.then)]

        return _chapter(estate, act, steps)

    return Runbook(
        plan=plan.name,
        environment=plan.environment,
        sha256=plan.sha256,
        made=made,
        from_site=declared.from_site,
        to_site=declared.to_site,
        decide=declared.decide,
        chapters=(
            _chapter(estate, "failover", lambda: in_order(runbook_of(estate, quiet))),
            planned("switchover", lambda: failback.switchover(estate, quiet)),
            planned("failback", lambda: failback.failback(estate, quiet)),
        ),
    )


def rendered(runbook: Runbook, form: Literal["html", "md"]) -> bytes:
    return (html if form == "html" else markdown)(runbook).encode()


def _chapter(estate: Estate, act: str, steps: Callable[[], Sequence[Step]]) -> Chapter:
    declared, way = declared_failover(estate), direction(estate)
    home, away = declared.from_site, declared.to_site
    old, new = (way.old, way.new) if act == "failover" else (home, away)
    means = _MEANS[act].format(old=old, new=new)
    command = f"blackstart {act} --environment {estate.plan.environment} --plan {estate.plan.path.name}"
    try:
        told = tuple(map(_told, steps()))
    except GuardError as error:
        if act == "failover":
            raise
        return Chapter(act, means, command, not_possible=str(error))
    return Chapter(act, means, command, told)


def _told(step: Step) -> RunbookStep:
    return RunbookStep(
        step.name, step.says, step.by_hand, step.needs, step.limit_seconds, step.undo is not None
    )
