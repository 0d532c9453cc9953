"""The highest rate that a service keeps up with, found before the run: what `rate: max` stands for.

A loop that sends as fast as replies come looks away exactly when a reply is late, so it cannot measure an
outage. So the rate is found first, in an open loop as well, and then stays fixed for the whole run.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, cast
from uuid import uuid4

from drills.clients import clients_of, open_client
from drills.payload import SIZE_BYTES, payload
from drills.recorder.precise import precise_loop
from sites.capability import Client
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import ConnectedCanary, Drill, Rate, ShellCanary
from sites.plan.check_canary import SHELL_RATE_MAX

FIRST_PER_SECOND = 10.0
MOST_PER_SECOND = 2000.0
STEP_SECONDS = 1.0
OPERATIONS_MIN = 10
GAP = 1.125
SHARE = 0.8  # at the very ceiling every hiccup would be an outage
LATE_SECONDS = 0.1
STREAM = "CEILING"


@dataclass(frozen=True, slots=True)
class Trial:
    """How rates are tried, up to `most`; each for `step_seconds`, but for ten operations at least."""

    most: float
    late_seconds: float
    seed: int
    payload_bytes: int = SIZE_BYTES
    step_seconds: float = STEP_SECONDS


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, tried. It is kept up with when every operation was served and none was sent late."""

    per_second: float
    operations: int
    served: int
    slowest_seconds: float
    lag_max_seconds: float
    kept_up: bool


@dataclass(frozen=True, slots=True)
class Ceiling:
    """`rate` is what a run should use; `limited_by` says whose ceiling it is."""

    rate: Rate
    limited_by: str
    steps: tuple[Step, ...]

    def detail(self) -> dict[str, Any]:
        """For the ledger."""
        steps = [asdict(step) for step in self.steps]
        return {
            "found": "rate",
            "per_second": self.rate.per_second,
            "limited_by": self.limited_by,
            "steps": steps,
        }


def at_its_rate(estate: Estate, drill: Drill, seed: int) -> tuple[Drill, Ceiling | None]:
    """The drill with a rate that is one, and how that was found where the plan says `max`.

    What is written on the way belongs to a run of its own, and stays in the service. Raises GuardError when
    the service does not even keep up with the first rate.
    """
    if isinstance(drill.canary.rate, Rate):
        return drill, None
    canary = drill.canary
    trial = Trial(
        most=SHELL_RATE_MAX if isinstance(canary, ShellCanary) else MOST_PER_SECOND,
        late_seconds=min(drill.late.seconds if drill.late else LATE_SECONDS, canary.limit.seconds),
        seed=seed,
        payload_bytes=canary.payload,
    )
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        found = runner.run(_found(estate, drill, trial))
    return drill.model_copy(update={"canary": canary.model_copy(update={"rate": found.rate})}), found


async def _found(estate: Estate, drill: Drill, trial: Trial) -> Ceiling:
    canary = drill.canary
    client = open_client(
        clients_of(estate, drill).clients.client,
        run=str(uuid4()),
        limit_seconds=canary.limit.seconds,
        in_flight_max=round(trial.most * canary.limit.seconds) + 10,
        clients=canary.clients if isinstance(canary, ConnectedCanary) else 1,
    )
    try:
        return await find(cast("Client", client), trial)
    finally:
        await client.aclose()


async def find(client: Client, trial: Trial) -> Ceiling:
    """Double the rate until it is not kept up with, then halve the gap. Raises GuardError."""
    numbers, steps = count(), list[Step]()
    held, broken = 0.0, None
    rate: float | None = FIRST_PER_SECOND
    while rate is not None:
        steps.append(await _step(client, rate, numbers, trial))
        held, broken = (rate, broken) if steps[-1].kept_up else (held, rate)
        rate = _next(held, broken, trial.most)
    if not held:
        raise GuardError(
            f"the service does not keep up with {FIRST_PER_SECOND:g} operations a second, so `rate: max` "
            "finds no rate",
            hint="write a lower `rate`, or a longer `late`",
        )
    return Ceiling(Rate(SHARE * held), _limit(steps, trial.late_seconds), tuple(steps))


def _next(held: float, broken: float | None, most: float) -> float | None:
    """The rate to try next; None once the ceiling is known to an eighth, or will not be."""
    if not held or held >= most:
        return None
    if broken is None:
        return min(most, 2 * held)
    return None if broken <= GAP * held else (held + broken) / 2


def _limit(steps: list[Step], late_seconds: float) -> str:
    """Whose ceiling it is: the recorder's where every rate that failed was sent late as well."""
    worst = [step for step in steps if not step.kept_up]
    if not worst:
        return "the most that is tried"
    return "the recorder" if all(2 * step.lag_max_seconds > late_seconds for step in worst) else "the service"


async def _step(client: Client, rate: float, numbers: count[int], trial: Trial) -> Step:
    interval_ns, wanted = round(1e9 / rate), max(OPERATIONS_MIN, round(rate * trial.step_seconds))
    start_ns = time.monotonic_ns() + interval_ns
    under_way = []
    for at in range(wanted):
        due_ns = start_ns + at * interval_ns
        await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        under_way.append(asyncio.create_task(_timed(client, next(numbers), due_ns, trial)))
    timed = await asyncio.gather(*under_way)
    served = sum(done and seconds <= trial.late_seconds for done, seconds, _ in timed)
    slowest, lag_max = max(seconds for _, seconds, _ in timed), max(lag for _, _, lag in timed)
    kept_up = served == wanted and 2 * lag_max <= trial.late_seconds
    return Step(rate, wanted, served, slowest, lag_max, kept_up)


async def _timed(client: Client, number: int, due_ns: int, trial: Trial) -> tuple[bool, float, float]:
    """Whether one write was acknowledged, how long that took, and how late it was sent."""
    data = payload(trial.seed, STREAM, number, size_bytes=trial.payload_bytes)
    sent_ns = time.monotonic_ns()
    outcome = await client.write(STREAM, number, data)
    seconds = (time.monotonic_ns() - sent_ns) / 1e9
    return outcome.result == "acknowledged", seconds, (sent_ns - due_ns) / 1e9
