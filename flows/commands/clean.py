"""clean-point: after an attack, the newest backup that was not touched by it."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, estate_of


def clean_point(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Which.")],
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Find the newest point that the dataset's own checks call clean, by bisection."""
    from flows.recovery.clean import clean_point as find
    from flows.recovery.clean import exit_code, lines
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    console = Console(timed=True)
    found = find(
        estate_of(plan), dataset, lambda look: console.step(f"{look.taken:%Y-%m-%dT%H:%M:%SZ}: {look.said}")
    )
    code = exit_code(found)
    answer(lines(found), {"found": found, "certain": found.certain, "exit_code": code}, as_json=json)
    raise typer.Exit(code)
