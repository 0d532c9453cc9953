"""backup, replicate, restore-test: in this process, with no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import DEFAULT_PLAN, Datasets, Json, Plan, estate_of
from flows.terminal.console import Console

if TYPE_CHECKING:
    from flows.protection.outcomes import Row
    from flows.protection.protect import Outcome
    from sites.drivers.restic.results import Progress
    from sites.estate import Estate


Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Not the newest: as it was then. pgBackRest's alone."),
]
All = Annotated[bool, typer.Option("--all", help="All older points that are kept, not those in turn.")]
LetGo = Annotated[
    list[str] | None,
    typer.Option("--let-go", metavar="ID", help="Restore nothing: this point is gone, and was meant to go."),
]


def backup(datasets: Datasets = None, plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Back up datasets to their repository."""
    from flows.protection import outcomes, protect

    estate, console = estate_of(plan), Console()
    told = protect.back_up(estate, datasets, partial(_show, console, "backing up"))
    _tell(told, outcomes.backed_up, console, as_json=json)


def replicate(plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Copy what the other site's repositories lack."""
    from flows.protection import outcomes, protect

    _tell(protect.replicate_all(estate_of(plan)), outcomes.replicated, Console(), as_json=json)


def restore_test(
    datasets: Datasets = None,
    until: Until = None,
    everything: All = False,
    gone: LetGo = None,
    plan: Plan = DEFAULT_PLAN,
    json: Json = False,
) -> None:
    """Restore the newest copies, apart from everything, and compare each file with the source's manifest."""
    from flows.protection import outcomes, protect

    estate, console = estate_of(plan), Console()
    if gone:
        _let_go(estate, gone, as_json=json)
    if until is not None:
        told = protect.restored_as_of(estate, datasets, _moment(until))
        _tell(told, outcomes.tested, console, as_json=json)
    heard = partial(_show, console, "restoring")
    told = protect.restore_tests(estate, datasets, heard, everything=everything)
    _tell(told, outcomes.tested, console, as_json=json)


def upkeep(plan: Plan = DEFAULT_PLAN, json: Json = False) -> None:
    """Read a part of each repository's packs again, forget what the rules do not keep, free its room."""
    from flows.protection import outcomes
    from flows.protection.upkeep import keep_up

    _tell(keep_up(estate_of(plan)), outcomes.kept_up, Console(), as_json=json)


def _let_go(estate: Estate, gone: list[str], *, as_json: bool) -> None:
    from flows.protection.older import let_go
    from flows.terminal.answer import answer

    told = [let_go(estate, each) for each in gone]
    answer(told, {"let_go": told, "exit_code": 0}, as_json=as_json)
    raise typer.Exit


def _moment(text: str) -> datetime:
    """Without an offset it is UTC. Raises PlanError."""
    from sites.errors import PlanError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PlanError(
            f'--until: "{text}" is no moment', hint="write it as in 2026-11-22T06:00:00Z"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _until_ended(found: Iterable[Outcome[Any]]) -> Iterator[Outcome[Any]]:
    """The tools beneath have process groups of their own: told to end, we end them first."""
    from flows.terminal.interruption import ended_like_interrupted

    with ended_like_interrupted():
        yield from found


def _show(console: Console, act: str, name: str, progress: Progress) -> None:
    done, total = progress.bytes / 2**20, progress.bytes_total / 2**20
    console.progress(f"{act} {name}: {progress.fraction:4.0%}, {done:,.0f} of {total:,.0f} MiB")


def _tell(
    found: Iterable[Outcome[Any]],
    told: Callable[[Outcome[Any]], Row],
    console: Console,
    *,
    as_json: bool,
) -> None:
    """Say each outcome as it comes, then answer with all of them."""
    from flows.protection.outcomes import as_data, exit_code
    from flows.terminal.answer import answer

    rows, data = [], []
    for outcome in _until_ended(found):
        console.progress_over()
        row = told(outcome)
        console.outcome(row.exit_code, f"{row.subject}: {row.state}")
        if outcome.error is not None and outcome.error.hint:
            console.hint(outcome.error.hint)
        rows.append(row)
        data.append({**as_data(outcome), "state": row.state})
    code = exit_code(rows)
    answer([str(row) for row in rows], {"outcomes": data, "exit_code": code}, as_json=as_json)
    raise typer.Exit(code)
