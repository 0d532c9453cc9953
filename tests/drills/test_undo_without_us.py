"""The orchestrator is killed anywhere from before the damage to after the promotion, on a real pair.

Both addresses are written to throughout, by clients that nobody tells anything. What is left is undone by the
dead-man alone: no fault stays behind, and never do two sites take writes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import yaml

from drills.deadman import DeadMan
from drills.faults import fault_of
from drills.undo import Undo, UndoIntents, left_of, room_of
from sites.drivers.processes.table import Handle
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.failover import Failover
from sites.recovery.fence import Fences
from sites.recovery.injection import MOMENTS, Hook, KilledAt, nothing
from sites.recovery.respond import fail_over
from sites.recovery.under_way import cut_off
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate
from tests.sites.repositories import wait_until

pytestmark = pytest.mark.postgres
ROUNDS = 50
# Spread over orders of magnitude: from before the intent is on disk to after the promotion.
SOONEST, LATEST = -2.6, 0.0
WRITE_SECONDS = 0.01


def drilled(pair: Pair) -> Estate:
    """The light estate, with a drill that kills its primary."""
    light = light_estate(pair)
    declared = yaml.safe_load(light.plan.raw)
    declared["services"] = {"db": {"needs": ["orders"], "rto": "30s"}}
    declared["drills"] = {
        "kill": {
            "fault": {"kind": "kill_site", "site": "primary"},
            "respond": "observe",
            "after": "stay",
            "judge": {"db": ["rto"]},
            "canary": {"kind": "postgres", "service": "db", "dataset": "orders", "rate": "10/s"},
            "stable": "2s",
            "deadline": "40s",
        }
    }
    return Estate(read_plan(light.plan.path, yaml.safe_dump(declared).encode(), {}))


@dataclass
class Writers:
    """What was acknowledged at each address: (sent, completed) on this process's clock."""

    pair: Pair
    acknowledged: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {"primary": [], "dr": []}
    )

    def second(self) -> bool:
        """Whether the old side acknowledged what was sent after the new side's first acknowledgement."""
        if not self.acknowledged["dr"]:
            return False
        first = min(completed for _, completed in self.acknowledged["dr"])
        return any(sent > first for sent, _ in self.acknowledged["primary"])

    def run(self, stop: threading.Event) -> None:
        async def both() -> None:
            await asyncio.gather(*(self._write(site, stop) for site in self.acknowledged))

        asyncio.run(both())

    async def _write(self, site: str, stop: threading.Event) -> None:
        client = self.pair.dataset.client(site, limit_seconds=1)
        number = 0
        while not stop.is_set():
            number += 1
            sent = time.monotonic()
            if (await client.write(site, number, b"payload!")).result == "acknowledged":
                self.acknowledged[site].append((sent, time.monotonic()))
            await asyncio.sleep(WRITE_SECONDS)
        await client.aclose()


@contextmanager
def writing(pair: Pair) -> Iterator[Writers]:
    asyncio.run(pair.dataset.client("primary", limit_seconds=10).prepare())
    writers, stop = Writers(pair), threading.Event()
    thread = threading.Thread(target=writers.run, args=[stop])
    thread.start()
    try:
        wait_until(lambda: writers.acknowledged["primary"])
        yield writers
    finally:
        stop.set()
        thread.join()


def orchestrate(estate: Estate, pid: int, at: Hook = nothing) -> None:
    """What a drill does, without an instrument: intent, damage, and the runbook."""
    nowhere = estate.state / "nowhere"
    dead_man = DeadMan(estate.state, "a-run", nowhere, nowhere, 600.0)
    dead_man.require()
    os.write(pid, f"{dead_man.pid}\n".encode())
    fault, plan = fault_of(estate, estate.plan.drills["kill"]), estate.plan
    targets = [target.name for target in fault.ready() if target.kind == "process"]
    undo = Undo(
        run="a-run",
        drill="kill",
        utc="2026-11-22T06:00:00+00:00",
        fault=plan.drills["kill"].fault.model_dump(mode="json"),
        undo=fault.undo(),
        targets=targets,
        data=fault.arm(room_of(estate.state, "a-run")),
        plan_path=str(plan.path),
        plan_text=plan.raw.decode(),
        variables={},
    )
    UndoIntents(estate.state).write(undo)
    fault.inject(left_of(undo, estate.state))
    fail_over(estate, Failover(estate, lambda *_: None).steps(), lambda *_: None, at=at)
    signal.pause()


def moment_of(seed: int) -> float:
    """The same each time, in seconds after the dead-man is up."""
    return float(10 ** random.Random(seed).uniform(SOONEST, LATEST))  # noqa: S311 - no secret


def check_round(pair: Pair, moment_seconds: float | None, at: Hook = nothing) -> str:
    """Kill it at that moment, or let it kill itself (None, `at`); return where that left the pair."""
    estate = drilled(pair)
    reads, writes = os.pipe()
    with writing(pair) as writers:
        started = multiprocessing.get_context("fork").Process
        orchestrator = started(target=orchestrate, args=[estate, writes, at])
        orchestrator.start()
        dead_man = int(os.read(reads, 20))
        orchestrator.join(moment_seconds)
        orchestrator.kill()
        orchestrator.join()
        wait_until(lambda: _ended(dead_man), 90)
        assert UndoIntents(estate.state).pending() == [], "a fault was left behind"
        resumed = cut_off(estate.state) is not None
        if resumed:  # the runbook is for people to go on with: an undo does not decide who serves
            run = fail_over(estate, Failover(estate, lambda *_: None).steps(), lambda *_: None, resume=True)
            assert run.complete, run.failed
        answers = {site: pair.dataset.writable(site) for site in ("primary", "dr")}
    os.close(reads)
    os.close(writes)
    assert list(answers.values()).count(True) == 1, (
        f"killed at {moment_seconds}: {answers}; {_how_it_stands(estate, pair)}"
    )
    assert not writers.second(), "two sites took writes"
    serving = "dr" if answers["dr"] else "primary"
    return f"{serving} serves{' after resuming' if resumed else ''}"


def _how_it_stands(estate: Estate, pair: Pair) -> str:
    """What tells why nobody serves: who runs, who is fenced, what the old primary said last."""
    fenced = Fences(estate.state).raised("primary")
    runs = {site: pair.site(site).running() for site in ("primary", "dr")}
    again = {site: pair.dataset.writable(site) for site in ("primary", "dr")}
    return f"fenced {fenced}, running {runs}, asked again {again}\n{pair.log('primary')[-2000:]}"


def _ended(pid: int) -> bool:
    handle = Handle.grasp(pid)
    if handle is not None:
        handle.close()
    return handle is None


@pytest.mark.cell("kill_site", "processes", "postgres")
def test_a_kill_in_mid_drill_leaves_no_fault_and_one_writer(new_pair: Callable[..., Pair]) -> None:
    check_round(new_pair(), moment_of(3))


def test_a_kill_between_two_steps_is_a_failover_that_was_cut_off(new_pair: Callable[..., Pair]) -> None:
    """Every step of the journal is done then, and the fence stands: nobody serves until it is resumed."""
    assert check_round(new_pair(), None, KilledAt(len(MOMENTS))) == "dr serves after resuming"


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_kills_at_any_moment_leave_no_fault_and_one_writer(new_pair: Callable[..., Pair]) -> None:
    found: Counter[str] = Counter()
    for seed in range(ROUNDS):
        pair = new_pair()
        found[check_round(pair, moment_of(seed))] += 1
        pair.kill()
    told = "; ".join(f"{state}: {count}" for state, count in sorted(found.items()))
    said = f"{ROUNDS} of {ROUNDS} kills of the orchestrator left no fault and one writer ({told})"
    print(f"proof: {said}")  # noqa: T201
