"""notify: tell people what is wrong, once."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, estate_of


def notify(
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
    test: Annotated[bool, typer.Option("--test", help="Send a message that says it is a test.")] = False,
) -> None:
    """Tell whom the plan names what is wrong and new, what still holds, what is over; then ping."""
    from flows.exposure import telling
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    found = telling.test(estate_of(plan)) if test else telling.tell(estate_of(plan))
    for line in found.failed:
        Console().error(line)
    said = (
        "a test"
        if test
        else f"{len(found.told)} of {len(found.wrong)} that are wrong, {len(found.over)} over"
    )
    answer([f"told: {said}", *map(str, found.wrong)], found, as_json=json)
    raise typer.Exit(1 if found.failed else 0)
