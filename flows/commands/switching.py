"""switchover, failback: the planned changes of the site that serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from flows.options import DEFAULT_PLAN, Confirm, Environment, Json, Plan, estate_of

if TYPE_CHECKING:
    from flows.recovery.switching import Kind

Preview = Annotated[bool, typer.Option("--preview", help="Show the steps; change nothing.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with one that was cut off.")]
Abandon = Annotated[bool, typer.Option("--abandon", help="Take one back that has promoted nothing.")]


class GoingOn(NamedTuple):
    """What is to become of one that was cut off."""

    resume: bool
    abandon: bool
    confirm: str | None


def switchover(
    plan: Plan = DEFAULT_PLAN,
    environment: Environment = None,
    preview: Preview = False,
    resume: Resume = False,
    abandon: Abandon = False,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """Let the other site serve, planned: stop, prove that it has everything, promote, and protect anew."""
    go_on = GoingOn(resume, abandon, confirm)
    _change("switchover", plan, environment, go_on, preview=preview, json=json)


def failback(
    plan: Plan = DEFAULT_PLAN,
    environment: Environment = None,
    preview: Preview = False,
    resume: Resume = False,
    abandon: Abandon = False,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """After a failover: make the lost site a standby again, then let it serve as in normal times."""
    go_on = GoingOn(resume, abandon, confirm)
    _change("failback", plan, environment, go_on, preview=preview, json=json)


def _change(
    kind: Kind, plan: Path, environment: str | None, going_on: GoingOn, *, preview: bool, json: bool
) -> None:
    from flows.recovery import switching as acts
    from flows.recovery import words
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    estate = estate_of(plan)
    if preview:
        steps = acts.preview(estate, kind)
        answer(words.step_lines(steps), {"steps": steps}, as_json=json)
        return
    console = Console(timed=True)
    if going_on.abandon:
        undone = acts.take_back(
            estate, kind, environment=environment, tell=console.passed, confirm=going_on.confirm
        )
        answer([f"undone: {', '.join(undone) or 'nothing had been done'}"], {"undone": undone}, as_json=json)
        return
    run = acts.perform(
        estate,
        kind,
        environment=environment,
        resume=going_on.resume,
        tell=console.passed,
        confirm=going_on.confirm,
    )
    for step, error in run.failed.items():
        console.error(f"{step}: {error}")
        if error.hint:
            console.hint(error.hint)
    answer(words.run_lines(run, kind), {"run": run, "complete": run.complete}, as_json=json)
    raise typer.Exit(0 if run.complete else 1)
