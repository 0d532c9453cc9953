"""What is agreed before a drill: who runs it, who answers for it, and what counts as success."""

from __future__ import annotations

import os
import pwd

from drills.arrangement import criteria
from drills.cells import cells_of, tried_by
from drills.preview import Preview
from rto_rpo.evidence.agreed.charter import Agreed, Executor, Role
from sites.estate import Estate
from sites.plan import Drill, Plan, Tabletop


def agree(estate: Estate, drill: Drill, preview: Preview, executor: str | None) -> Agreed:
    """The charter's part that the plan and the command line know."""
    plan = estate.plan
    return Agreed(
        kind="live",
        environment=plan.environment,
        executor=named(executor),
        roles=roles(plan),
        criteria=criteria(estate, drill),
        confirm=preview.confirm,
        scenario=preview.expected,
        schedules=plan.schedules(),
        cells=cells_of(plan),
        tries=tried_by(estate, drill),
    )


def agree_to_talk(plan: Plan, tabletop: Tabletop, executor: str | None) -> Agreed:
    """The same for a tabletop: nothing is measured, so nothing counts as success."""
    lines = [tabletop.scenario, *(f"Question: {question}" for question in tabletop.questions)]
    return Agreed(
        kind="tabletop",
        environment=plan.environment,
        executor=named(executor),
        roles=roles(plan),
        scenario="\n".join(lines),
        schedules=plan.schedules(),
        cells=cells_of(plan),
    )


def named(executor: str | None) -> Executor:
    """Who starts it: the name given, or the account that runs us."""
    if executor is not None:
        return Executor(name=executor, how="claimed on the command line")
    return Executor(name=_account(), how="the account that started it")


def roles(plan: Plan) -> tuple[Role, ...]:
    return tuple(Role(role=role, name=who.name, public=who.key) for role, who in plan.roles.named().items())


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
