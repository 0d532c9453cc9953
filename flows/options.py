"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sites.estate import Estate
    from sites.plan import Plan as ThePlan

Plan = Annotated[
    Path, typer.Option("--plan", metavar="FILE", envvar="BLACKSTART_PLAN", help="The plan file.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Datasets = Annotated[list[str] | None, typer.Argument(metavar="DATASET", help="Which; default: all.")]
Environment = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="The plan's environment, named to show you mean it."),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="HASH",
        help="With --resume or --abandon: this plan, not that at its beginning.",
    ),
]
DEFAULT_PLAN = Path("plan.yaml")


def plan_of(plan: Path) -> ThePlan:
    """Read the plan, where what it declares is not touched. Raises PlanError."""
    from sites.plan import load

    return load(plan)


def estate_of(plan: Path) -> Estate:
    """Read the plan and make it operable. Raises PlanError."""
    from sites.estate import Estate
    from sites.plan import load

    return Estate(load(plan))
