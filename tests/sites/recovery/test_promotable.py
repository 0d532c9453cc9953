"""Before anything is done about the site that serves: could the other one take over at all?"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from flows.recovery.switching import perform
from sites.errors import GuardError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery import respond, sentinel
from sites.recovery.asking import Questions
from sites.recovery.direction import Direction
from sites.recovery.own_steps import runbook_of
from sites.recovery.promotable import NotPromotable
from sites.recovery.respond import fail_over
from sites.recovery.standing import Standing
from sites.unprotected import Unprotected
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _write, expect, quiet
from tests.sites.recovery.test_respond import Watch, estate, wait_for_question
from tests.sites.recovery.test_sentinel import Post


@pytest.mark.postgres
def test_a_living_primary_is_not_killed_for_a_standby_that_is_dead(new_pair: NewPair) -> None:
    here = light_estate(new_pair(synchronous=True))
    here.site("dr").kill()
    with pytest.raises(NotPromotable, match='while site "primary" may still take writes') as caught:
        fail_over(here, runbook_of(here, quiet), quiet)
    assert 'dataset "orders" at site "dr" again' in str(caught.value.hint)
    assert here.postgres("orders").writable("primary") is True
    assert not Fences(here.state).raised("primary")
    assert Standing(here.state).now == "serving at home"
    here.site("dr").up()
    here.postgres("orders").wait_until_answering("dr", limit_seconds=20)
    assert fail_over(here, runbook_of(here, quiet), quiet).complete


@pytest.mark.postgres
@pytest.mark.campaign
def test_cut_off_before_its_fence_it_looks_again(new_pair: NewPair) -> None:
    here = light_estate(new_pair(synchronous=True))
    Standing(here.state).begin("failover")  # and dies
    here.site("dr").kill()
    with pytest.raises(NotPromotable):
        fail_over(here, runbook_of(here, quiet), quiet, resume=True)
    assert here.postgres("orders").writable("primary") is True


@pytest.mark.postgres
@pytest.mark.campaign
def test_a_switchover_looks_at_the_standby_before_it_sends_anybody_away(new_pair: NewPair) -> None:
    here = light_estate(new_pair(synchronous=True))
    asyncio.run(_write(here, "primary", 1))
    here.site("dr").kill()

    def switch() -> bool:
        return perform(here, "switchover", environment="test", resume=False, tell=quiet).complete

    with pytest.raises(GuardError, match='dataset "orders" is not in sync there'):
        switch()
    assert Standing(here.state).now == "serving at home"
    assert here.postgres("orders").writable("primary") is True
    here.site("dr").up()
    here.postgres("orders").wait_until_answering("dr", limit_seconds=20)
    assert switch()
    expect(here, serving="dr", standby="primary")


def test_the_sentinel_watches_on_once_the_other_site_could_take_over(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    could = threading.Event()

    def require(_estate: Estate, _way: Direction, _steps: object = None) -> None:
        if not could.is_set():
            raise NotPromotable("its copy does not answer")

    for module in (respond, sentinel):
        monkeypatch.setattr(module, "require_promotable", require)
    monkeypatch.setattr(sentinel, "_TRY_SECONDS", 0.01)
    post = Post(estate(tmp_path, decide="automatic"))  # type: ignore[arg-type]
    assert post.wait_for("no failover").reason == "its copy does not answer"
    could.set()
    post.wait_for("the other site")
    post.wait_for("an answer")  # it goes on with the failover: its fence asks
    post.answer("fence here")
    assert post.join().complete


def test_no_machine_loses_what_the_lost_site_took_alone_amid_a_change(tmp_path: Path) -> None:
    here = estate(tmp_path, decide="automatic")
    Standing(here.state).begin("switchover")  # and dies
    Unprotected(here.state).note("orders", "here", "failed over")
    watch = Watch(here)
    wait_for_question(watch, Questions(here.state), "failover")
    assert "It may lack writes" in Questions(here.state).open()[0].says
    watch.stop.set()
    watch.join()
