"""A real primary comes back after somebody else's failover: its fence holds, or it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import calibration
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate
from tests.sites.wire import no_wire, wired_address

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

DRILL: dict[str, Any] = {
    "fault": {"kind": "kill_site", "site": "primary"},
    "respond": "observe",
    "after": "stay",
    "judge": {"database": ["rto"], "orders": ["rpo"]},
    "canary": {
        "kind": "postgres",
        "service": "database",
        "dataset": "orders",
        "rate": "50/s",
        "limit": "1s",
    },
    "revive_old_primary": True,
    "late": "1s",
    "stable": "2s",
    "deadline": "40s",
}


def observed(pair: Pair, *, synchronous: bool, fault: str | dict[str, Any] = "kill_site") -> Estate:
    """The light estate, with a drill that leaves the failover to somebody else: here, to the test."""
    declared = yaml.safe_load(light_estate(pair).plan.raw)
    del declared["failover"]
    declared["datasets"]["orders"] |= {"rpo": "1m", "synchronous": synchronous}
    if not synchronous:
        del declared["datasets"]["orders"]["on_standby_loss"]
    declared["services"] = {"database": {"needs": ["orders"], "rto": "30s"}}
    damage = {"kind": fault, "site": "primary"} if isinstance(fault, str) else fault
    revived = damage["kind"] in ("kill_site", "pause_site", "partition")
    declared["drills"] = {"lose-primary": DRILL | {"fault": damage, "revive_old_primary": revived}}
    declared["evidence"] = {"path": str(pair.folder / "evidence")}
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


def drilled(pair: Pair, estate: Estate, fence: Callable[[Pair], None]) -> Closed:
    """Somebody else fences the old primary, in a way of his own, and promotes the standby."""
    save(calibration(), file_of(estate.state))

    def tell(said: str) -> None:
        if said.startswith("Injected"):
            fence(pair)
            estate.postgres("orders").promote("dr", limit_seconds=20)

    confirm = preview(estate, "lose-primary").confirm
    return drill.run(estate, "lose-primary", environment="test", confirm=confirm, tell=tell)


def no_fence(_pair: Pair) -> None:
    """It is dead, or does not answer, and that is thought to be enough."""


def only_as_a_standby(pair: Pair) -> None:
    """Whoever starts it gets a standby, which refuses writes."""
    (pair.servers["primary"].data / "standby.signal").touch()


def killed(pair: Pair) -> None:
    """What is cut off or stands still is killed by a way that does not go through it."""
    assert pair.primary.kill().holds


def out_of_reach(pair: Pair) -> None:
    """Whoever starts it gets a server that nobody can ask whether it takes writes."""
    with (pair.servers["primary"].data / "postgresql.auto.conf").open("a") as settings:
        settings.write("listen_addresses = '127.0.0.2'\n")


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("synchronous", "fence", "verdict"),
    [
        (False, only_as_a_standby, "met"),
        (False, no_fence, "missed"),
        (True, no_fence, "inconclusive"),
        (False, out_of_reach, "inconclusive"),
    ],
)
def test_an_old_primary_that_is_started_again(
    new_pair: Callable[..., Pair], synchronous: bool, fence: Callable[[Pair], None], verdict: str
) -> None:
    """A commit that waits for a standby which follows no more may have happened: nobody is told."""
    pair = new_pair(synchronous=synchronous)
    estate = observed(pair, synchronous=synchronous)
    run = drilled(pair, estate, fence)
    (split,) = run.report["split_brain"]
    assert (split["verdict"], run.verdict) == (verdict, verdict), run.report["reasons"]
    assert split["revived"]
    assert split["revived_tried"] > 5
    assert (len(split["revived_taken"]) > 0) == (verdict == "missed")
    assert f"after its revival: it took {len(split['revived_taken'])} of" in split["reason"]
    assert ("25006: " in split["reason"]) == (fence is only_as_a_standby)
    assert ("its server itself refused no write" in split["reason"]) == (fence is out_of_reach)
    assert estate.site("primary").proven_gone().holds
    assert verify(estate.plan.evidence.path).intact
    tried = f"{split['revived_tried']} writes to a revived primary, {len(split['revived_taken'])} taken"
    print(f"proof: {fence.__name__}, synchronous {synchronous}: {verdict}, {tried}")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.parametrize(("fence", "verdict"), [(killed, "inconclusive"), (no_fence, "missed")])
def test_an_old_primary_that_is_reconnected(
    new_pair: Callable[..., Pair], fence: Callable[[Pair], None], verdict: str
) -> None:
    """Nobody told it that it was lost: without a fence there are two writers when the network is back."""
    pair = new_pair(synchronous=False, wired=wired_address())
    check_return(pair, "partition", fence, verdict)


@pytest.mark.campaign
@pytest.mark.parametrize(("fence", "verdict"), [(killed, "inconclusive"), (no_fence, "missed")])
def test_an_old_primary_that_goes_on(
    new_pair: Callable[..., Pair], fence: Callable[[Pair], None], verdict: str
) -> None:
    check_return(new_pair(synchronous=False), "pause_site", fence, verdict)


@pytest.mark.campaign
@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.cell("partition", "processes", "postgres", verdict="met")
@pytest.mark.parametrize("fault", ["partition", "pause_site"])
def test_an_old_primary_that_the_runbook_fenced(new_pair: Callable[..., Pair], fault: str) -> None:
    """It kills what is cut off or stands still by another way, and the ledger has the proof."""
    wired = wired_address() if fault == "partition" else None
    pair = new_pair(synchronous=False, wired=wired)
    estate = failed_over(pair, fault)
    save(calibration(), file_of(estate.state))
    confirm = preview(estate, "lose-primary").confirm
    run = drill.run(estate, "lose-primary", environment="test", confirm=confirm)
    (split,) = run.report["split_brain"]
    assert (split["verdict"], run.verdict) == ("met", "met"), run.report["reasons"]
    assert (split["revived"], split["revived_taken"]) == (True, [])
    assert estate.site("primary").proven_gone().holds
    assert verify(estate.plan.evidence.path).intact
    print(f"proof: {fault}, fenced by the runbook: met, {split['revived_tried']} writes, none taken")  # noqa: T201


def failed_over(pair: Pair, fault: str) -> Estate:
    """The observed estate, but by the runbook: what detects is PostgreSQL's own program, whose codes fit."""
    watched = observed(pair, synchronous=False, fault=fault)
    declared = yaml.safe_load(watched.plan.raw)
    at = {name: server.settings for name, server in pair.servers.items()}
    host, port = at["primary"].host, at["primary"].port
    looks = ["/usr/bin/pg_isready", "-q", "-h", host, "-p", str(port), "-t", "1"]
    declared["failover"] = {
        "from": "primary",
        "to": "dr",
        "decide": "automatic",
        "detect": {"every": "200ms", "limit": "1s", "refused": 3, "silent": 3},
        "vantages": {"here": {"kind": "command", "command": looks}},
    }
    declared["services"]["looked-at"] = {
        "needs": ["orders"],
        "endpoint": f"http://{host}:{port}",
        "addresses": {name: f"http://{one.host}:{one.port}" for name, one in at.items()},
        "check": {"kind": "http", "path": "/"},
    }
    declared["drills"]["lose-primary"]["respond"] = "runbook"
    return Estate(read_plan(watched.plan.path, yaml.safe_dump(declared).encode(), {}), until_pid=os.getpid())


def check_return(pair: Pair, fault: str, fence: Callable[[Pair], None], verdict: str) -> None:
    """Who fences it without the drill's seeing that leaves the ledger with silence, which is no refusal."""
    estate = observed(pair, synchronous=False, fault=fault)
    run = drilled(pair, estate, fence)
    (split,) = run.report["split_brain"]
    assert (split["verdict"], run.verdict) == (verdict, verdict), run.report["reasons"]
    assert split["revived_tried"] > 5
    assert (len(split["revived_taken"]) > 0) == (verdict == "missed")
    assert estate.site("primary").proven_gone().holds
    assert verify(estate.plan.evidence.path).intact
    tried = f"{split['revived_tried']} writes to it afterwards, {len(split['revived_taken'])} taken"
    print(f"proof: {fault}, {fence.__name__}: {verdict}, {tried}")  # noqa: T201
