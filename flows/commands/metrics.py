"""metrics: what `status` says, served to Prometheus."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Plan, estate_of


def metrics(
    plan: Plan = DEFAULT_PLAN,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where; it asks nobody who they are.")
    ] = "127.0.0.1:9465",
    fresh: Annotated[
        float, typer.Option("--fresh", min=0, metavar="SECONDS", help="So old may an answer be.")
    ] = 15.0,
) -> None:
    """Serve the metrics of `status` at /metrics until told to end."""
    from flows.exposure.metrics import metrics_of, server
    from flows.terminal.console import Console
    from flows.terminal.interruption import ended_like_interrupted
    from sites.errors import PlanError

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise PlanError(
            f'"{listen}" is no address to listen at', hint="write HOST:PORT, such as 127.0.0.1:9465"
        )
    console = Console()
    with server((host.strip("[]"), int(port)), metrics_of(estate_of(plan), fresh), console.error) as serving:
        console.step(f"Serving http://{host}:{serving.server_address[1]}/metrics")
        with contextlib.suppress(KeyboardInterrupt), ended_like_interrupted():
            serving.serve_forever()
