"""What the console hears of runs that end faster than it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from prefect.client.schemas.objects import FlowRun, State, StateType

from flows.server.requesting import _by_time

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def flow_run(name: str, seconds: float | None) -> FlowRun:
    state = None
    if seconds is not None:
        state = State(type=StateType.COMPLETED, timestamp=START + timedelta(seconds=seconds))
    return FlowRun(flow_id=uuid4(), name=name, state=state)


def test_what_is_seen_in_one_look_is_told_as_it_happened() -> None:
    seen = [
        flow_run("restore-test", 3),
        flow_run("backup", 1),
        flow_run("new", None),
        flow_run("replicate", 2),
    ]
    assert [one.name for one in _by_time(seen)] == ["new", "backup", "replicate", "restore-test"]
