"""Switchover and failback on two real servers: killed anywhere and resumed, refused, and repeated."""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from drills.recover import cut_off
from sites.errors import GuardError, RunbookError, SiteError
from sites.estate import Estate
from sites.recovery import failback as planned
from sites.recovery.failback import check_writer
from sites.recovery.failover import Failover
from sites.recovery.fence import Fences
from sites.recovery.journal import Journal, State
from sites.recovery.respond import fail_over
from sites.recovery.runbook import Run
from sites.recovery.standing import Standing
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate

pytestmark = pytest.mark.postgres

NewPair = Callable[..., Pair]
ROUNDS = 10


def quiet(*_: object) -> None:
    """Nobody is told."""


def change(estate: Estate, kind: str, *, resume: bool = False) -> Run:
    tables = (planned.switchover if kind == "switchover" else planned.failback)(estate, quiet)
    serving, other = ("primary", "dr") if kind == "switchover" else ("dr", "primary")
    ready = partial(check_writer, estate, serving, other)
    return planned.perform(estate.state, tables, quiet, ready, resume=resume)


def lose(estate: Estate) -> None:
    """The primary is lost and the runbook fails over."""
    estate.site("primary").kill()
    run = fail_over(estate, Failover(estate, quiet).steps(), quiet)
    assert run.complete, run.failed


def expect(estate: Estate, *, serving: str, standby: str) -> None:
    orders = estate.postgres("orders")
    assert (orders.writable(serving), orders.writable(standby)) == (True, False)
    proof = orders.in_sync(standby=standby)
    assert proof.holds, proof
    assert proof.detail["sync_state"] == "sync"
    assert not any(Fences(estate.state).raised(site) for site in ("primary", "dr"))


async def _write(estate: Estate, site: str, number: int) -> None:
    client = estate.postgres("orders").client(site, limit_seconds=20)
    await client.prepare()
    outcome = await client.write("rounds", number, b"%d" % number)
    await client.aclose()
    assert outcome.result == "acknowledged", outcome


async def _kept(estate: Estate, site: str) -> set[int]:
    back = await estate.postgres("orders").client(site, limit_seconds=20).read_back("rounds")
    return {number for number, _ in back.rows}


def killed_at(estate: Estate, kind: str, entry: int, *, written: bool, resume: bool) -> bool:
    """Do it in a process of its own that is killed at that entry of the journal, before or after it is
    written. False once it came to its end without having been killed."""
    child = os.fork()
    if child == 0:
        _die_at(entry, written=written)
        try:
            run = change(estate, kind, resume=resume)
        except BaseException:  # noqa: BLE001 - a copy of the test must not go on
            traceback.print_exc()
            os._exit(2)
        os._exit(0 if run.complete else 1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def _die_at(entry: int, *, written: bool) -> None:
    append, count = Journal._append, iter(range(1, 1 << 20))

    def mortal(self: Journal, step: str, state: State, more: dict[str, object]) -> None:
        now = next(count) == entry
        if now and not written:
            os.kill(os.getpid(), signal.SIGKILL)
        append(self, step, state, more)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal._append = mortal  # type: ignore[assignment,method-assign]


def through_every_kill(estate: Estate, kind: str, entries: Iterator[int]) -> int:
    """Kill it at each of those entries in turn, resuming in between; then let it end. How often it died."""
    kills = 0
    for entry in entries:
        begun = _begun(estate)
        if not killed_at(estate, kind, entry, written=entry % 2 == 0, resume=begun):
            return kills
        kills += 1
    run = change(estate, kind, resume=_begun(estate))
    assert run.complete, run.failed
    return kills


def _begun(estate: Estate) -> bool:
    return Standing(estate.state).under_way is not None


def test_a_failback_that_is_killed_again_and_again_still_ends_as_declared(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    asyncio.run(_write(estate, "primary", 1))
    lose(estate)
    asyncio.run(_write(estate, "dr", 2))

    kills = through_every_kill(estate, "failback", iter((1, 2, 4, 7, 9, 12, 15)))

    assert kills >= 5
    expect(estate, serving="primary", standby="dr")
    assert asyncio.run(_kept(estate, "primary")) == {1, 2}


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["switchover", "failback"])
def test_killed_at_every_entry_of_its_journal_it_ends_as_meant(
    new_pair: NewPair, kind: str, written: bool
) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    kills = 0
    for entry in range(1, 80):
        asyncio.run(_write(estate, "primary", entry))
        if kind == "failback":
            lose(estate)
        died = killed_at(estate, kind, entry, written=written, resume=False)
        if died:
            kills += 1
            run = change(estate, kind, resume=_begun(estate))
            assert run.complete, (entry, run.failed)
        if kind == "switchover":
            expect(estate, serving="dr", standby="primary")
            assert change(estate, "failback").complete
        expect(estate, serving="primary", standby="dr")
        assert asyncio.run(_kept(estate, "primary")) == set(range(1, entry + 1))
        if not died:
            break
    assert kills >= 10
    when = "after" if written else "before"
    print(f"proof: {kind} killed {when} each of {kills} journal entries and resumed, nothing lost")  # noqa: T201


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_ten_rounds_leave_both_sites_as_declared(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    for number in range(ROUNDS):
        asyncio.run(_write(estate, "primary", 2 * number))
        lose(estate)
        asyncio.run(_write(estate, "dr", 2 * number + 1))
        run = change(estate, "failback")
        assert run.complete, run.failed
        expect(estate, serving="primary", standby="dr")
        assert asyncio.run(_kept(estate, "primary")) == set(range(2 * number + 2))
    print(f"proof: {ROUNDS} failovers and failbacks, both sites as declared after each, nothing lost")  # noqa: T201


def test_a_failback_is_refused_where_nobody_took_over_or_both_take_writes(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    with pytest.raises(GuardError, match='site "dr" does not serve dataset "orders"'):
        change(estate, "failback")
    lose(estate)
    with pytest.raises(SiteError, match="is fenced"):
        estate.site("primary").up()
    (pair.servers["primary"].data / "standby.signal").unlink()  # by who wants the old primary at any price
    pair.primary.up()  # by something that knows nothing of the fence
    estate.postgres("orders").wait_until_answering("primary", limit_seconds=20)
    with pytest.raises(GuardError, match='"orders" takes writes at both sites'):
        change(estate, "failback")
    with pytest.raises(RunbookError, match="no failback to resume"):
        change(estate, "failback", resume=True)


def test_what_was_cut_off_is_resumed_as_what_it_was(new_pair: NewPair) -> None:
    """A failover must not go on with a failback's journal: it would fence the wrong site."""
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    lose(estate)
    assert killed_at(estate, "failback", 1, written=True, resume=False)

    assert Standing(estate.state).under_way == "failback"
    (left,) = cut_off(estate.state)
    assert (left.what, left.ok) == ("failback", False)
    assert "`blackstart failback --resume`" in left.how
    with pytest.raises(RunbookError, match='no failover to resume: the plan stands at "failing back"'):
        fail_over(estate, Failover(estate, quiet).steps(), quiet, resume=True)
    with pytest.raises(RunbookError, match="no switchover to resume"):
        change(estate, "switchover", resume=True)
    assert change(estate, "failback", resume=True).complete
    expect(estate, serving="primary", standby="dr")
