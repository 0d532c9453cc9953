"""check, status, schema: look, and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, estate_of


def check(
    plan: Plan = DEFAULT_PLAN,
    only_roles: Annotated[
        bool, typer.Option("--roles", help="Only who serves: one writer, roles as declared, standby in sync.")
    ] = False,
    json: Json = False,
) -> None:
    """Check the plan, the programs and secrets it needs, the sites, and the Prefect API. Changes nothing."""
    from flows.readiness.checks import checks, exit_code, told
    from flows.readiness.roles import roles
    from flows.terminal.answer import answer

    found = list((roles if only_roles else checks)(estate_of(plan)))
    answer(told(found), {"plan": plan, "checks": found}, as_json=json)
    raise typer.Exit(exit_code(found))


def status(
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
    prometheus: Annotated[
        Path | None,
        typer.Option("--prometheus", metavar="FILE", help="Write it there too, as Prometheus reads it."),
    ] = None,
) -> None:
    """Say what could be restored now, how old it is, and what drills and failovers left behind."""
    from flows.exposure.status import lines, status_of
    from flows.terminal.answer import answer

    found = status_of(estate_of(plan))
    if prometheus is not None:
        from flows.exposure.prometheus import write

        write(prometheus, found)
    answer(lines(found), found, as_json=json)
    raise typer.Exit(0 if found.good else 1)


def schema(
    which: Annotated[
        Literal["plan", "ledger", "chain", "charter", "report"], typer.Argument(help="Of which file.")
    ] = "plan",
) -> None:
    """Print the JSON Schema of the plan, a ledger's record, the chain's lines, the charter or the report."""
    from flows.terminal.answer import answer

    match which:
        case "plan":
            from sites.plan.json_schema import schema as found
        case "ledger":
            from rto_rpo.ledger.validation import json_schema as found
        case "chain":
            from rto_rpo.evidence.lines.line import schema as found
        case "charter":
            from rto_rpo.evidence.agreed.charter import schema as found
        case "report":
            from rto_rpo.report.model import schema as found
    answer([], found(), as_json=True)
