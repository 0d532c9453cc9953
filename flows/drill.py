"""Flow: one drill. Prefect only starts it and is told how it ended; nothing on the timed path talks to it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL

from drills import drill as drills
from drills.closing import Closed
from drills.window import StartsLate
from flows.conclusion import ended, refused
from flows.options import estate_of
from flows.server.api_guard import refuse_open_api
from sites.drivers.masking import mask
from sites.errors import BlackstartError


@flow(name="drill", persist_result=False)
def drill(plan: str, name: str, environment: str | None = None, confirm: str | None = None) -> State[None]:
    """What `blackstart drill` does. Met completes the run; missed and inconclusive fail it, by name."""
    told: list[str] = []
    try:
        refuse_open_api({**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value() or ""})
        closed = drills.run(
            estate_of(Path(plan)),
            name,
            environment=environment,
            confirm=confirm,
            tell=told.append,
            due=_due(),
        )
    except StartsLate as late:
        return refused(late, name="Not run")
    except BlackstartError as error:
        return refused(error)
    for line in told:
        get_run_logger().info(mask(line))
    return _concluded(closed)


def _due() -> datetime | None:
    """When this run was to begin, where a schedule made it."""
    if not flow_run.id or "auto-scheduled" not in (flow_run.tags or []):
        return None
    due: datetime = flow_run.scheduled_start_time
    return due


def _concluded(closed: Closed) -> State[None]:
    reasons = "; ".join(closed.report["reasons"])
    message = f"{closed.verdict}: {reasons}. Evidence: {closed.folder}, head {closed.head}"
    report = (closed.folder / "report.md").read_text(encoding="utf-8")
    create_markdown_artifact(mask(report), key="drill-report", description=mask(message))
    return ended(closed.exit_code, message)
