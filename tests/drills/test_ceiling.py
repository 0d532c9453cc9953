"""What `rate: max` stands for: a rate that was found, and then a schedule like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drills import ceiling
from drills.arrangement import arrange
from drills.ceiling import Ceiling, Step, Trial, at_its_rate, find
from sites.capability import Outcome, ReadBack
from sites.errors import GuardError, PlanError
from sites.estate import Estate
from sites.plan import Rate, load
from tests.fakes.orders import OrdersService
from tests.sites.plan.conftest import DESK, EXAMPLES

# Patient: what a busy machine does to the loop is not what these tests are about.
TRIAL = Trial(most=80.0, late_seconds=20.0, seed=7, step_seconds=0.1)
STEP = Step(10.0, 10, 9, 0.5, 0.0, kept_up=False)


class Tiring:
    """A client that acknowledges its first writes and no more. Steps up to 80/s have ten writes each."""

    def __init__(self, acknowledged: int) -> None:
        self.numbers: list[int] = []
        self._acknowledged = acknowledged

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        assert (stream, len(payload)) == ("CEILING", 64)
        self.numbers.append(number)
        return Outcome("acknowledged" if number < self._acknowledged else "indeterminate", "so")

    async def delete(self, stream: str, number: int) -> Outcome:
        raise AssertionError((stream, number))

    async def read_back(self, stream: str) -> ReadBack:
        raise AssertionError(stream)

    async def aclose(self) -> None:
        return


def found(client: Tiring) -> Ceiling:
    return asyncio.run(find(client, TRIAL))


def test_what_keeps_up_with_everything_is_tried_up_to_the_most() -> None:
    client = Tiring(10_000)
    result = found(client)

    assert [step.per_second for step in result.steps] == [10, 20, 40, 80]
    assert (result.rate, result.limited_by) == (Rate(64.0), "the most that is tried")
    assert client.numbers == list(range(40)), "no number is ever sent twice"


def test_a_rate_that_is_not_kept_up_with_is_closed_in_upon() -> None:
    result = found(Tiring(30))

    assert [step.per_second for step in result.steps] == [10, 20, 40, 80, 60, 50, 45]
    assert [step.kept_up for step in result.steps] == [True] * 3 + [False] * 4
    assert (result.rate, result.limited_by) == (Rate(32.0), "the service")
    assert result.detail()["steps"][3]["served"] == 0


def test_one_write_that_fails_is_a_rate_not_kept_up_with() -> None:
    assert found(Tiring(29)).rate == Rate(16.0)


def test_a_service_that_keeps_up_with_nothing_is_told() -> None:
    with pytest.raises(GuardError, match="does not keep up with 10 operations a second"):
        found(Tiring(5))


def test_whose_ceiling_it_is() -> None:
    assert ceiling._limit([STEP], 1.0) == "the service"
    assert ceiling._limit([replace(STEP, lag_max_seconds=0.6)], 1.0) == "the recorder"
    assert ceiling._limit([STEP, replace(STEP, lag_max_seconds=0.6)], 1.0) == "the service"


@pytest.fixture
def service() -> Iterator[OrdersService]:
    running = OrdersService()
    yield running
    running.close()


def test_a_drill_runs_at_the_rate_that_was_found(
    tmp_path: Path, service: OrdersService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceiling, "MOST_PER_SECOND", 20.0)
    text = (EXAMPLES / "trading_desk" / "plan.yaml").read_text()
    path = tmp_path / "plan.yaml"
    path.write_text(
        text.replace("rate: 100/s, limit: 2s", "rate: max, limit: 20s").replace(
            "    stable", "    late: 20s\n    stable"
        )
    )
    estate = Estate(load(path, {**DESK, "PUBLIC_PORT": str(urlsplit(service.url).port)}))
    drill = estate.plan.drills["kill-primary"]
    run = "1" * 36

    with pytest.raises(PlanError, match="has to be found first"):
        arrange(estate, "kill-primary", drill, run=run, seed=1, folder=tmp_path, calibration=None)
    at_rate, how = at_its_rate(estate, drill, seed=1)
    told = arrange(estate, "kill-primary", at_rate, run=run, seed=1, folder=tmp_path, calibration=None)

    assert how is not None
    assert at_rate.canary.rate == how.rate == Rate(16.0)
    assert told.streams[0].interval_ns == 62_500_000
    assert len(service.rows) == sum(step.operations for step in how.steps) == 30
    assert not any(name.startswith(run[:8]) for name, _ in service.rows)


def test_a_rate_that_is_declared_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text((EXAMPLES / "trading_desk" / "plan.yaml").read_text())
    estate = Estate(load(path, DESK))
    drill = estate.plan.drills["kill-primary"]
    assert at_its_rate(estate, drill, seed=1) == (drill, None)
