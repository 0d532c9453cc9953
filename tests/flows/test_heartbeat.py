"""A run's heartbeats go on, and nobody waits for the thread that sends them to wake."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.sites.repositories import wait_until

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.usefixtures("client_of")
def test_the_end_of_a_flow_waits_for_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect import flow_engine
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows.replicate import replicate

    awake = threading.Event()
    sent: list[str] = []
    asleep: list[threading.Thread] = []

    def sleep(_: float) -> None:
        asleep.append(threading.current_thread())
        awake.wait(60)

    class Unwaited(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            raise AssertionError(f"the end of the flow waits for {self.name}, {timeout} s at most")

    monkeypatch.setattr(flow_engine, "emit_event", lambda event, **_: sent.append(event))
    monkeypatch.setattr(flow_engine, "time", SimpleNamespace(**{**vars(time), "sleep": sleep}))
    monkeypatch.setattr(flow_engine, "threading", SimpleNamespace(**{**vars(threading), "Thread": Unwaited}))
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
        state: State[Any] = replicate("/nowhere/plan.yaml", return_state=True)
    assert "/nowhere/plan.yaml" in (state.message or "")  # it ended as it should, not by our Thread
    wait_until(lambda: asleep)
    assert asleep[0].is_alive()
    assert sent == ["prefect.flow-run.heartbeat"]
    awake.set()


def test_a_prefect_without_the_switch_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect import flow_engine

    from flows import heartbeat

    def send(engine: object) -> object:
        return engine

    monkeypatch.setattr(flow_engine, "_send_heartbeats", send)
    assert not heartbeat.leave()
    assert flow_engine._send_heartbeats is send
    monkeypatch.delattr(flow_engine, "_send_heartbeats")
    assert not heartbeat.leave()
