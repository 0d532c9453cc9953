"""drill, failover, recover: the acts that change who serves."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Confirm, Environment, Json, Plan, estate_of


def drill(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which drill of the plan.")],
    plan: Plan = DEFAULT_PLAN,
    environment: Environment = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="HASH", help="The hash that --preview shows.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show targets, steps, undo and their hash; change nothing.")
    ] = False,
    executor: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who runs it; default: the account.")
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", metavar="N", min=1, help="So many runs, while the estate is healthy.")
    ] = 1,
    json: Json = False,
) -> None:
    """Rehearse a disaster: damage what the plan says, fail over, and judge what the clients saw."""
    from drills import drill as drills
    from drills.closing import Closed
    from drills.preview import preview as previewed
    from drills.repeat import repeat as repeated
    from drills.repeat import wait_until_healthy
    from flows.evidence.repeated import closed_data, data, lines
    from flows.evidence.results import closed_lines
    from flows.recovery import words
    from flows.server.api_guard import refuse_open_api
    from flows.terminal.answer import answer
    from flows.terminal.console import Console
    from rto_rpo.series.gather import gather

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being ended is no reason not to undo
    estate = estate_of(plan)
    if preview:
        seen = previewed(estate, name)
        answer(words.preview_lines(seen), seen, as_json=json)
        return
    refuse_open_api()
    console = Console(timed=True)

    def run() -> Closed:
        closed = drills.run(
            estate, name, environment=environment, confirm=confirm, tell=console.passed, executor=executor
        )
        for problem in closed.not_done:
            console.error(problem)
        return closed

    if repeat == 1:
        try:
            closed = run()
        except drills.Interrupted as interrupted:
            console.error(f"interrupted: {interrupted}")
            closed = interrupted.closed
        answer(closed_lines(closed.folder, closed.report, closed.head), closed_data(closed), as_json=json)
        raise typer.Exit(closed.exit_code)
    found = repeated(run, lambda: wait_until_healthy(estate, name), repeat, console.step)
    history = gather(estate.plan.evidence.path, name)
    answer(lines(found, history), data(found, history), as_json=json)
    raise typer.Exit(found.exit_code)


def calibrate(
    plan: Plan = DEFAULT_PLAN,
    full: Annotated[
        bool, typer.Option("--full", help="Outages from 10 ms to 5 s of every kind, about a minute.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure the instrument against itself: planted outages and losses, and what it makes of them."""
    from drills.calibration.calibrate import FULL, SHORT
    from drills.calibration.calibrate import calibrate as calibrated
    from drills.calibration.record import file_of, save
    from flows.evidence.calibration_lines import EXIT_CODES, calibration_lines
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    path = file_of(estate_of(plan).state)
    made = calibrated(FULL if full else SHORT, Console(timed=True).passed)
    save(made, path)
    answer(calibration_lines(made, path), made.model_dump(mode="json"), as_json=json)
    raise typer.Exit(EXIT_CODES[made.verdict])


def failover(
    plan: Plan = DEFAULT_PLAN,
    environment: Environment = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the steps; change nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with one that was cut off.")] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Take one back that has done nothing irrevocable.")
    ] = False,
    cold: Annotated[
        bool,
        typer.Option("--cold", help="Trust no replica: recover everything from the other site's backups."),
    ] = False,
    clean: Annotated[
        bool,
        typer.Option("--clean", help="With --cold: the newest points that the datasets' checks call clean."),
    ] = False,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """Fail over in earnest: fence the old site, promote the other one, start, redirect, restore."""
    from flows.recovery import failover as acts
    from flows.recovery import words
    from flows.terminal.answer import answer
    from flows.terminal.console import Console
    from sites.unprotected import Unprotected

    estate = estate_of(plan)
    if preview:
        steps, foretold = acts.preview(estate, cold=cold), acts.foretold(estate) if cold else None
        told = [f"predicted  {foretold.told()}"] if foretold else []
        answer([*words.step_lines(steps), *told], {"steps": steps, "predicted": foretold}, as_json=json)
        return
    if abandon:
        undone = acts.take_back(
            estate, environment=environment, tell=Console(timed=True).passed, confirm=confirm
        )
        answer([f"undone: {', '.join(undone) or 'nothing had been done'}"], {"undone": undone}, as_json=json)
        return
    console = Console(timed=True)
    run = acts.perform(
        estate,
        environment=environment,
        resume=resume,
        tell=console.passed,
        cold=cold,
        clean=clean,
        confirm=confirm,
    )
    for step, error in run.failed.items():
        console.error(f"{step}: {error}")
        if error.hint:
            console.hint(error.hint)
    alone = Unprotected(estate.state).all()
    told = [*words.run_lines(run), *(f"UNPROTECTED: {entry}" for entry in alone)]
    answer(told, {"run": run, "complete": run.complete, "unprotected": alone}, as_json=json)
    raise typer.Exit(0 if run.complete else 1)


def recover(
    plan: Plan = DEFAULT_PLAN,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FOLDER", help="The plan's state folder, where no plan can be read."),
    ] = None,
    json: Json = False,
) -> None:
    """Undo what drills left behind and close their runs, from what is on disk alone. Harmless to repeat."""
    from drills import recover as recovery
    from flows.terminal.answer import answer

    found = recovery.recover_state(state) if state else recovery.recover(estate_of(plan).plan)
    lines = [f"{'done' if one.ok else 'STUCK':<5}  {one.what}: {one.how}" for one in found]
    answer(lines or ["nothing was left behind"], {"recovered": found}, as_json=json)
    raise typer.Exit(0 if all(one.ok for one in found) else 1)
