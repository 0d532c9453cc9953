"""approve: a person answers what a failover waits for."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, plan_of

if TYPE_CHECKING:
    from sites.recovery.asking import Decision


def approve(
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help="Which, when several are open.")
    ] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Say no.")] = False,
    typed: Annotated[
        str | None,
        typer.Option("--typed", metavar="TEXT", help="What you saw to be so, word for word."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who says so; default: the account.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="That very question, as people were told, or none."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is open; answer nothing.")] = False,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Answer what a failover waits for: whether to begin, a step's approval, or that a site is off."""
    from flows.terminal.answer import answer
    from sites.recovery.asking import Questions

    questions = Questions(plan_of(plan).state)
    if show:
        waiting = questions.open()
        lines = [f'"{each.name}" ({each.id}) until {each.until[:19]}Z: {each.says}' for each in waiting]
        answer(lines or ["nothing waits for an answer"], {"questions": waiting}, as_json=json)
        return
    account = getpass.getuser()
    decision: Decision = "refused" if refuse else "approved"
    by = name or account
    answered = questions.answer(question, decision, by, account, typed, only)
    answer(
        [f'"{answered.name}" {decision} by {by}'],
        {"question": answered, "decision": decision, "by": by},
        as_json=json,
    )
