"""Switching over and failing back in tests, and what must be so once the desk is as declared again."""

from __future__ import annotations

from flows.exposure.status import status_of
from flows.recovery import switching
from flows.recovery.switching import Kind
from tests.e2e.desks import RunningDesk


def change(desk: RunningDesk, kind: Kind) -> list[str]:
    """Switch over or fail back; the milestones that were passed."""
    told: list[str] = []
    run = switching.perform(desk.estate, kind, environment="demo", resume=False, tell=told.append)
    assert run.complete, {step: str(error) for step, error in run.failed.items()}
    return told


def expect_as_declared(desk: RunningDesk) -> None:
    """Roles, processes and fences are those of normal times, and everything is protected."""
    orders = desk.estate.postgres("orders")
    assert (orders.writable("primary"), orders.writable("dr")) == (True, False)
    assert orders.in_sync(standby="dr").holds
    assert set(desk.estate.site("primary").running()) == {"postgres", "gateway", "engine"}
    assert set(desk.estate.site("dr").running()) == {"postgres"}
    found = status_of(desk.estate)
    assert not any(site.fenced for site in found.sites)
    assert found.left_behind == ()
    assert found.unprotected == ()
