"""The door beside a real database, as its own process: held, stopped, taken, and let go on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from flows.readiness.checks import checks
from sites.capability import Outcome
from sites.errors import FenceError
from sites.estate import Estate
from sites.fences import Fences
from sites.lease import term
from sites.lease.declared import witness_of
from sites.plan import read_plan
from sites.recovery.fence import Fence
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.recovery.whole_site import fence_proofs, give_back, wholes_of
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import LOOPBACK, Pair, free_port
from tests.sites.drivers.stores import s3_client, witness_store
from tests.sites.recovery.light import light_estate

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.campaign]
ROOT = Path(__file__).parents[3]
STREAM = "door"


@pytest.fixture
def store() -> Iterator[str]:
    with witness_store() as address:
        yield address


def leased(pair: Pair, store: str, seconds: float = 6.0) -> tuple[Estate, int]:
    """An estate whose clients reach the primary through a door at the port that is returned."""
    declared = yaml.safe_load(light_estate(pair).plan.path.read_text())
    behind = declared["datasets"]["orders"]["primary"]["port"]
    port = free_port()
    declared["datasets"]["orders"]["primary"]["port"] = port
    secret = {"file": str(pair.folder / "owner")}
    declared["failover"]["lease"] = {
        "bucket": "witness",
        "endpoint": store,
        "access_key": secret,
        "secret_key": secret,
        "term": f"{round(seconds * 1000)}ms",
        "margin": "100ms",
        "doors": {"primary": {"host": LOOPBACK, "port": port, "server_port": behind}},
    }
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {})), port


@contextmanager
def held(estate: Estate) -> Iterator[subprocess.Popen[str]]:
    argv = ["hold-lease", "primary", "--plan", str(estate.plan.path)]
    with subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *argv],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as door:
        assert door.stderr is not None
        while "the door is open" not in (line := door.stderr.readline()):
            assert door.poll() is None, line
        try:
            yield door
        finally:
            door.send_signal(signal.SIGCONT)
            door.terminate()
        assert door.wait(30) == 0


def write(estate: Estate, number: int) -> Outcome:
    async def act() -> Outcome:
        client = estate.postgres("orders").client("primary", limit_seconds=3)
        try:
            return await client.write(STREAM, number, b"%d" % number)
        finally:
            await client.aclose()

    return asyncio.run(act())


def prepared(pair: Pair, estate: Estate) -> None:
    asyncio.run(pair.dataset.client("primary", limit_seconds=10).prepare())
    while write(estate, 1).result != "acknowledged":  # the lease is held; the door may just not listen yet
        continue


def test_a_door_that_was_stopped_passes_nothing_on_after_its_lease_was_taken(
    new_pair: Callable[..., Pair], store: str
) -> None:
    pair = new_pair(synchronous=False)
    estate, _ = leased(pair, store)
    failover = estate.plan.failover
    assert failover is not None
    assert failover.lease is not None
    fences = Fences(estate.state)
    with held(estate) as door:
        prepared(pair, estate)
        assert [one.state for one in checks(estate) if one.name == "lease of primary"] == ["ok"]
        door.send_signal(signal.SIGSTOP)
        fences.raise_("primary", "failover")
        wholes = wholes_of(estate, "primary", fences, lambda *_: None)  # type: ignore[arg-type,return-value]
        fence = Fence(fences, "primary", None, {}, wholes)
        proof = fence.raise_()
        assert proof.how.startswith('the lease of site "primary" was taken at its witness')
        assert fence.holds().holds
        sent: list[Outcome] = []
        late = threading.Thread(target=lambda: sent.append(write(estate, 2)))
        late.start()
        late.join(0.2)  # it lies in the door's socket, sent after the proof
        door.send_signal(signal.SIGCONT)
        late.join(20)
        assert sent[0].result != "acknowledged"
        assert write(estate, 3).result != "acknowledged"
        back = asyncio.run(pair.dataset.client("primary", limit_seconds=10).read_back(STREAM))
        assert [number for number, _ in back.rows] == [1]
        give_back(failover.lease, "primary", fences)
        assert not fence.holds().holds
        while write(estate, 4).result != "acknowledged":
            assert door.poll() is None
    print("proof: nothing sent after the lease was taken got through a door that had been stopped")  # noqa: T201


def test_without_the_lease_the_same_write_gets_through(new_pair: Callable[..., Pair], store: str) -> None:
    """The control: stopped and let go on within its term, the very same door passes it on."""
    pair = new_pair(synchronous=False)
    estate, _ = leased(pair, store, seconds=60.0)
    with held(estate) as door:
        prepared(pair, estate)
        door.send_signal(signal.SIGSTOP)
        sent: list[Outcome] = []
        late = threading.Thread(target=lambda: sent.append(write(estate, 2)))
        late.start()
        late.join(0.2)
        door.send_signal(signal.SIGCONT)
        late.join(20)
        assert sent[0].result == "acknowledged"


def test_a_door_that_cannot_renew_shuts_by_itself(new_pair: Callable[..., Pair], store: str) -> None:
    pair = new_pair(synchronous=False)
    estate, _ = leased(pair, store)
    failover = estate.plan.failover
    assert failover is not None
    assert failover.lease is not None
    client = s3_client(store)
    with held(estate) as door:
        prepared(pair, estate)
        client.put_object(Bucket="witness", Key="leases/primary", Body=b"no lease of ours")
        while write(estate, 2).result == "acknowledged":
            assert door.poll() is None
        with pytest.raises(FenceError, match="is no lease"):
            term.take(witness_of(failover.lease, "primary"), "failover", 0.1)
    assert fence_proofs(estate)[-1].startswith("the lease of the site was taken")


def elsewhere(estate: Estate) -> Estate:
    """The same, but nothing of the primary is within reach: neither its process nor its folder."""
    declared = yaml.safe_load(estate.plan.raw)
    del declared["sites"]["primary"]["processes"]
    for key in ("process", "data"):
        del declared["datasets"]["orders"]["primary"][key]
    path = estate.plan.path
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}))


def test_a_failover_whose_only_proof_is_the_lease(new_pair: Callable[..., Pair], store: str) -> None:
    """The door is silent, the server behind it goes on: nobody can kill it, or reach it any more."""
    pair = new_pair(synchronous=False)
    estate = elsewhere(leased(pair, store)[0])
    seen: dict[str, object] = {}
    with held(estate) as door:
        prepared(pair, estate)
        door.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        run = fail_over(
            estate, runbook_of(estate, nobody), lambda event, detail: seen.update({event: detail})
        )
        assert run.complete, run.failed
        assert time.monotonic() - began >= 6.0  # its term has passed
        assert "'proof': 'lease'" in str(seen), seen
        assert estate.postgres("orders").writable("dr") is True
        assert pair.dataset.writable("primary") is True  # behind its door it knows of nothing
        door.send_signal(signal.SIGCONT)
        assert write(estate, 2).result != "acknowledged"
    print("proof: failed over by the lease alone; the old primary was never reached again")  # noqa: T201


def test_without_a_lease_nothing_is_promoted(new_pair: Callable[..., Pair], store: str) -> None:
    """The control: the same loss, and no other proof."""
    pair = new_pair(synchronous=False)
    estate = elsewhere(leased(pair, store)[0])
    declared = yaml.safe_load(estate.plan.raw)
    del declared["failover"]["lease"]
    estate = Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}))
    run = fail_over(estate, runbook_of(estate, nobody), nobody)
    assert not run.complete
    assert "cannot fence site" in str(run.failed)
    assert estate.postgres("orders").writable("dr") is False


def nobody(*_: object) -> None:
    """Nobody is told."""
