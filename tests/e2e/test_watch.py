"""`blackstart watch` on a real pair: the primary is cut off or lost, can be fenced or not, and comes back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml

from sites.capability import Proof
from sites.drivers.processes.readiness import HttpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import SiteError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.standing import Standing
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair, free_port
from tests.sites.recovery.killed import Watched, watch
from tests.sites.recovery.light import light_estate
from tests.sites.wire import no_wire, wired_address

__all__ = ["new_pair", "template"]

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.campaign,
    pytest.mark.timeout(240),
    pytest.mark.skipif(no_wire() is not None, reason=str(no_wire())),
]

NewPair = Callable[..., Pair]
BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
DETECT = {"every": "50ms", "limit": "200ms", "silent": 5}
ENDED_SECONDS_MAX = 90
TRIES = 10


@contextmanager
def watched(pair: Pair, *, ours: bool) -> Iterator[tuple[Estate, subprocess.Popen[str]]]:
    """`blackstart watch` over the pair. `ours`: its plan runs the primary's processes."""
    estate = estate_of(pair, ours=ours)
    argv = [BLACKSTART, "watch", "--plan", str(estate.plan.path), "--environment", "test"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = iter(process.stderr.readline, "")
            assert any("Watching" in line for line in told), "it ended before it watched"
            yield estate, process
        finally:
            process.kill()


def estate_of(pair: Pair, *, ours: bool) -> Estate:
    assert pair.wired is not None
    declared: dict[str, Any] = yaml.safe_load(light_estate(pair, detect=DETECT).plan.raw)
    url, page = f"http://{pair.wired}:{free_port()}", serving_page(pair.wired)
    declared["services"] = {"desk": {"needs": ["orders"], "endpoint": url, "check": {"kind": "http"}}}
    if not ours:
        declared["sites"]["primary"] |= {"path": str(pair.folder / "elsewhere"), "processes": {}}
        del declared["datasets"]["orders"]["primary"]["process"]
    ready = HttpReady(f"{url}/")
    command = (*page, url.rpartition(":")[2])
    spec = ProcessSpec(command, cwd=Path("/var/empty") if Path("/var/empty").is_dir() else None, ready=ready)
    site = ProcessSite(
        "primary",
        pair.folder / "primary",
        {"page": spec},
        until_pid=os.getpid(),
        network=IPv4Address(pair.wired),
    )
    site.start("page")
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


def serving_page(address: str) -> tuple[str, ...]:
    """What detection looks at, at the primary: it answers for as long as its host is there."""
    return (sys.executable, "-m", "http.server", "--bind", address)


def cut_off(pair: Pair) -> Callable[[], Proof]:
    return lambda: pair.primary.partition("both")


def rest_of(process: subprocess.Popen[str], hear: Callable[[str], None]) -> tuple[int, str]:
    """How it ends, and what it says until then, told line by line to `hear` too."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        hear(line.strip())
        said.append(line)
    return process.wait(timeout=ENDED_SECONDS_MAX), "".join(said)


def record(pair: Pair, estate: Estate) -> Watched:
    asyncio.run(estate.postgres("orders").client("primary", limit_seconds=10).prepare())
    return watch(pair, pair.folder / "run", stable_ns=2_500_000_000)


def taken_by_the_old_one(pair: Pair) -> list[int]:
    """Which of some writes to its own address are acknowledged, once it answers."""

    async def write() -> list[int]:
        client = pair.dataset.client("primary", limit_seconds=0.5)
        outcomes = [(number, await client.write("late", number, b"payload!")) for number in range(TRIES)]
        await client.aclose()
        return [number for number, outcome in outcomes if outcome.result == "acknowledged"]

    return asyncio.run(write())


@pytest.mark.parametrize("lost", ["partition", "kill"])
def test_what_is_lost_is_fenced_first_and_stays_so_when_it_comes_back(new_pair: NewPair, lost: str) -> None:
    pair = new_pair(synchronous=True, wired=wired_address())
    with watched(pair, ours=True) as (estate, process):
        recorded = record(pair, estate)
        recorded.lose(estate, cut_off(pair) if lost == "partition" else None)
        code, said = rest_of(process, recorded.hear)
    assert code == 0, said
    assert said.index("Fenced") < said.index("Promoted")
    assert pair.primary.reconnect().holds
    kept = recorded.end(estate.site("primary"))  # nothing lost, and one writer
    assert pair.dataset.writable("dr")
    with pytest.raises(SiteError, match="is fenced"):
        estate.site("primary").up()
    assert taken_by_the_old_one(pair) == []
    pair.primary.up()  # by something that knows nothing of the fence: it is a standby now
    assert pair.dataset.writable("primary") is False
    assert taken_by_the_old_one(pair) == []
    pair.primary.kill()
    (pair.servers["primary"].data / "standby.signal").unlink()
    pair.primary.up()  # even without that: its commits wait for who left it
    assert taken_by_the_old_one(pair) == []
    pair.primary.kill()
    with (pair.servers["primary"].data / "postgresql.auto.conf").open("a") as settings:
        settings.write("synchronous_standby_names = ''\n")  # the control: a second writer would be seen
    pair.primary.up()
    assert len(taken_by_the_old_one(pair)) > 0
    print(  # noqa: T201
        f"proof: {lost} under watch: fenced, then promoted; 0 of {kept} writes lost, "
        f"0 of {3 * TRIES} taken by the old primary when it came back"
    )


def test_nobody_is_promoted_past_a_primary_that_cannot_be_fenced(new_pair: NewPair) -> None:
    """It is cut off and lives on: silence is no proof. When it is back it serves on, alone."""
    pair = new_pair(synchronous=True, wired=wired_address())
    with watched(pair, ours=False) as (estate, process):
        recorded = record(pair, estate)
        recorded.lose(estate, cut_off(pair))
        code, said = rest_of(process, recorded.hear)
    assert code == 1, said
    assert 'cannot fence site "primary"' in said
    assert "Promoted" not in said
    assert pair.dataset.writable("dr") is False
    assert Standing(estate.state).under_way == "failover"
    assert pair.primary.reconnect().holds
    kept = recorded.end(taken_over=False)
    assert (pair.dataset.writable("primary"), pair.dataset.writable("dr")) == (True, False)
    print(f"proof: partition without a fence: nobody promoted; 0 of {kept} writes lost")  # noqa: T201
