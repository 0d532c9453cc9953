"""watch: the sentinel, for as long as it lives."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Environment, Json, Plan, estate_of

Approvals = Annotated[
    str | None,
    typer.Option(
        metavar="DEPLOYMENT",
        help="Prefect's deployment of the flow `approval`: a run of it puts each question there too.",
    ),
]


def watch(
    plan: Plan = DEFAULT_PLAN,
    environment: Environment = None,
    approvals: Approvals = None,
    json: Json = False,
) -> None:
    """Stand watch: declare an outage from probes alone, then tell people, ask them, or fail over."""
    from flows.recovery import watching as acts
    from flows.recovery import words
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    stop, console = threading.Event(), Console(timed=True)

    def end(_number: int, _frame: FrameType | None) -> None:
        """A failover that has begun comes to its end first."""
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    run = acts.perform(
        estate_of(plan),
        environment=environment,
        tell=console.passed,
        complain=console.error,
        stop=stop,
        approvals=approvals,
    )
    if run is None:
        answer(["the watch was called off; nothing was changed"], {"run": None}, as_json=json)
        return
    answer(words.run_lines(run), {"run": run, "complete": run.complete}, as_json=json)
    raise typer.Exit(0 if run.complete else 1)
