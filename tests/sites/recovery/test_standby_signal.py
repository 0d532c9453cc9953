"""An old primary that somebody starts behind our back takes no writes before a failback lifts that."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

import pytest
import yaml

from sites.errors import SiteError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.abandon import abandon
from sites.recovery.failover import Failover
from sites.recovery.own_steps import runbook_of
from sites.recovery.respond import fail_over
from sites.standby_signal import MARK, NAME, signals_of
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_abandon import STOPPED
from tests.sites.recovery.test_failback import NewPair, change, quiet

pytestmark = pytest.mark.postgres

WRITES = 50


def asynchronous(pair: Pair, **failover: object) -> Estate:
    """Nothing but the fence keeps this primary from acknowledging: its commits wait for nobody."""
    declared = yaml.safe_load(light_estate(pair, **failover).plan.raw)
    declared["datasets"]["orders"]["synchronous"] = False
    del declared["datasets"]["orders"]["on_standby_loss"]
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


def written_to_the_old_one(pair: Pair, stream: str) -> Counter[str]:
    async def write() -> Counter[str]:
        client = pair.dataset.client("primary", limit_seconds=2)
        found = [await client.write(stream, number, b"payload!") for number in range(WRITES)]
        await client.aclose()
        return Counter(f"{each.result} {each.cause}" for each in found)

    return asyncio.run(write())


def failed_over(pair: Pair) -> Estate:
    estate = asynchronous(pair)
    asyncio.run(estate.postgres("orders").client("primary", limit_seconds=10).prepare())
    told: dict[str, object] = {}

    def observe(event: str, detail: object) -> None:
        told[event] = detail

    assert fail_over(estate, Failover(estate, quiet).steps(), observe).complete
    assert "yes: 1 by standby.signal" in str(told)
    return estate


def test_who_starts_the_old_primary_by_hand_gets_a_standby_until_the_failback(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    estate, signal = failed_over(pair), pair.servers["primary"].data / NAME
    with pytest.raises(SiteError, match="is fenced"):
        estate.site("primary").up()
    for again in range(2):  # also after it was restarted
        pair.primary.up()  # a driver that knows nothing of the fence, as systemd or a person does
        assert written_to_the_old_one(pair, f"late {again}") == {"failed 25006": WRITES}
        assert pair.dataset.writable("dr") is True
        pair.primary.kill()
    assert MARK in signal.read_text()
    assert signal.stat().st_uid == signal.parent.stat().st_uid
    assert signal.stat().st_mode & 0o777 == 0o600
    assert change(estate, "failback").complete
    assert (pair.dataset.writable("primary"), pair.dataset.writable("dr")) == (True, False)
    assert pair.dataset.in_sync(standby="dr", synchronous=False).holds
    assert not signal.exists()


@pytest.mark.campaign
def test_without_it_the_old_primary_takes_them(new_pair: NewPair) -> None:
    """The control: what is measured above can be seen to fail."""
    pair = new_pair(synchronous=False)
    failed_over(pair)
    (pair.servers["primary"].data / NAME).unlink()
    pair.primary.up()
    taken = written_to_the_old_one(pair, "late")
    assert sum(count for how, count in taken.items() if how.startswith("acknowledged")) == WRITES
    print(f"proof: without standby.signal {WRITES} of {WRITES} taken by the old primary, with it 0")  # noqa: T201


@pytest.mark.campaign
def test_who_takes_the_failover_back_takes_it_away(new_pair: NewPair) -> None:
    """The old primary is then what it was, whoever starts it."""
    pair = new_pair(synchronous=False)
    estate, signal = asynchronous(pair, steps=STOPPED), pair.servers["primary"].data / NAME
    asyncio.run(estate.postgres("orders").client("primary", limit_seconds=10).prepare())
    assert not fail_over(estate, runbook_of(estate, quiet), quiet).complete
    assert signal.exists()
    abandon(estate, runbook_of(estate, quiet), quiet)
    assert not signal.exists()
    estate.site("primary").up()
    assert pair.dataset.writable("primary") is True


@pytest.mark.campaign
def test_a_standby_s_own_signal_is_let_be(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    estate, own = asynchronous(pair), pair.servers["dr"].data / NAME
    (signal,) = signals_of(estate.plan, estate.site("dr"))
    before = own.read_bytes()
    assert signal.write() is False
    signal.remove()
    assert own.read_bytes() == before
