"""backup, replicate, restore-test: in this process, with no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from flows.options import DEFAULT_PLAN, Datasets, Json, Plan, estate_of

if TYPE_CHECKING:
    from flows.outcomes import Row
    from flows.protect import Outcome


def backup(datasets: Datasets = None, plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Back up datasets to their repository."""
    from flows import outcomes, protect

    estate = estate_of(plan)
    _tell(protect.back_up(estate, datasets), outcomes.backed_up, as_json=json)


def replicate(plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Copy what the other site's repositories lack."""
    from flows import outcomes, protect

    _tell(protect.replicate_all(estate_of(plan)), outcomes.replicated, as_json=json)


def restore_test(datasets: Datasets = None, plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Restore the newest copies, apart from everything, and compare each file with the source's manifest."""
    from flows import outcomes, protect

    estate = estate_of(plan)
    _tell(protect.restore_tests(estate, datasets), outcomes.tested, as_json=json)


def _tell(found: Iterable[Outcome[Any]], told: Callable[[Outcome[Any]], Row], *, as_json: bool) -> None:
    """Say each outcome as it comes, then answer with all of them."""
    from flows.answer import answer
    from flows.console import Console
    from flows.outcomes import as_data, exit_code

    console, rows, data = Console(), [], []
    for outcome in found:
        row = told(outcome)
        console.outcome(row.exit_code, f"{row.subject}: {row.state}")
        if outcome.error is not None and outcome.error.hint:
            console.hint(outcome.error.hint)
        rows.append(row)
        data.append({**as_data(outcome), "state": row.state})
    code = exit_code(rows)
    answer([str(row) for row in rows], {"outcomes": data, "exit_code": code}, as_json=as_json)
    raise typer.Exit(code)
