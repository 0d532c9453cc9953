"""A standby is lost: commits are let go in time, it is told and written down, and undone once it is back."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest
import yaml

from flows.exposure.status import status_of
from sites.drivers.postgres.server import ADMIN
from sites.drivers.postgres.writes import LOCAL_COMMIT
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.degrading import Degrading
from sites.recovery.failover import Failover
from sites.recovery.looking_after import BACK, LOST, Changed
from sites.recovery.respond import Responder, fail_over
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from sites.unprotected import Entry, Unprotected
from tests.sites.drivers.pairs import ADMIN_PASSWORD
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_failback import NewPair, _write, change, expect, quiet

pytestmark = pytest.mark.postgres


class Clock:
    """Stands still until it is told."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def degradable(new_pair: NewPair, on_loss: str = "degrade") -> Estate:
    pair = new_pair(synchronous=True)
    path = light_estate(pair).plan.path
    text = path.read_text().replace("on_standby_loss: block", f"on_standby_loss: {on_loss}")
    return Estate(read_plan(path, text.encode(), {}))


def until_lost(estate: Estate) -> None:
    estate.site("dr").kill()
    while not estate.postgres("orders").waits_in_vain("primary"):
        threading.Event().wait(0.01)


def until(degrading: Degrading) -> Changed:
    while not (changed := degrading.look()):
        threading.Event().wait(0.01)
    return changed[0]


def test_commits_are_let_go_and_wait_again_once_the_standby_is_back(new_pair: NewPair) -> None:
    estate, clock = degradable(new_pair), Clock()
    degrading, noted = Degrading(estate, clock), Unprotected(estate.state)
    assert degrading.look() == []
    until_lost(estate)
    waiting = threading.Thread(target=lambda: asyncio.run(_write(estate, "primary", 1)))
    waiting.start()
    assert degrading.look() == []  # not long enough
    assert waiting.is_alive()
    clock.seconds = 9.9
    assert degrading.look() == []
    clock.seconds = 10.0
    with under_way(estate.state, "switchover") as act:
        assert degrading.look() == []  # somebody changes who serves
        act.abandon()
    (changed,) = degrading.look()
    assert changed.about == LOST
    waiting.join(20)
    assert not waiting.is_alive()  # it was acknowledged
    entry = noted.of("orders")
    assert entry is not None
    assert (entry.site, entry.why) == ("primary", "degraded")
    assert any("wait for nobody since" in line for line in status_of(estate).unprotected)
    assert degrading.look() == []  # the standby is not back
    estate.site("dr").up()
    changed = until(degrading)
    assert changed.about == BACK
    assert noted.all() == []
    expect(estate, serving="primary", standby="dr")
    assert status_of(estate).unprotected == ()


def test_a_degrade_that_the_server_refused_is_tried_again_and_told(new_pair: NewPair) -> None:
    """Else commits would hang for ever, noted as let go."""
    estate, clock = degradable(new_pair), Clock()
    degrading, primary = Degrading(estate, clock), estate.postgres("orders")
    until_lost(estate)
    assert degrading.look() == []
    clock.seconds = 10.0
    grant = "ALTER SYSTEM ON PARAMETER synchronous_standby_names"
    as_admin(estate, f"REVOKE {grant} FROM blackstart")
    (told,) = degrading.look()
    assert (told.about, primary.waits_in_vain("primary")) == (LOST, True)
    assert "cannot be changed" in told.said
    assert "permission denied" in told.said
    assert degrading.look() == []  # nobody is told twice
    as_admin(estate, f"GRANT {grant} TO blackstart")
    (changed,) = degrading.look()
    assert "wait for nobody" in changed.said
    assert not primary.waits_in_vain("primary")


def as_admin(estate: Estate, statement: str) -> None:
    """Its commit waits for nobody: there is nobody."""
    at = estate.postgres("orders").login("primary")
    where = {"host": at.host, "port": at.port, "user": ADMIN, "password": ADMIN_PASSWORD, "dbname": "desk"}
    with psycopg.connect(**where, options=LOCAL_COMMIT, autocommit=True) as admin:
        admin.execute(statement.encode())


def test_where_commits_are_to_block_nobody_lets_them_go(new_pair: NewPair) -> None:
    estate, clock = degradable(new_pair, "block"), Clock()
    degrading = Degrading(estate, clock)
    until_lost(estate)
    clock.seconds = 1e6
    assert degrading.look() == []
    assert estate.postgres("orders").waits_in_vain("primary")


def test_a_degraded_dataset_is_failed_over_only_by_a_person_who_was_told(new_pair: NewPair) -> None:
    estate = degradable(new_pair)
    port = yaml.safe_load(estate.plan.path.read_text())["datasets"]["orders"]["standby"]["port"]
    services = {"web": {"endpoint": f"http://127.0.0.1:{port}", "check": {"kind": "http", "path": "/"}}}
    declared = {**yaml.safe_load(estate.plan.path.read_text()), "services": services}
    estate = Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}))
    responder, stop = Responder(estate, quiet), threading.Event()
    assert responder.lacking.look() == []
    assert responder.lacking.told() == ""
    Unprotected(estate.state).note("orders", "primary", "degraded")
    asked: list[str] = []

    def observe(event: str, detail: object) -> None:
        asked.append(event)
        if event == "decide_waiting":
            assert "It may lack writes" in str(detail)
            stop.set()

    estate.site("dr").down()  # nobody answers at that port
    with pytest.raises(Exception, match="not approved: withdrawn"):
        Responder(estate, observe).stand_watch(stop)
    assert asked == ["detected", "decide_waiting"]
    assert Standing(estate.state).now == "serving at home"


def test_from_the_promotion_to_the_failback_it_is_said_that_nobody_is_waited_for(new_pair: NewPair) -> None:
    estate = degradable(new_pair, "block")
    Unprotected(estate.state).note("orders", "primary", "degraded")
    seen: dict[str, object] = {}
    estate.site("primary").kill()
    steps = Failover(estate, quiet).steps()
    assert fail_over(estate, steps, lambda event, detail: seen.update({event: detail})).complete
    assert "wait for nobody" in str(seen["promoted"])
    (journal,) = (estate.state / "failover").glob("20*.jsonl")
    assert "wait for nobody" in journal.read_text()
    (line,) = status_of(estate).unprotected
    assert 'commits at site "dr" wait for nobody' in line
    assert "may be lost" in line  # it had been degraded before
    assert change(estate, "failback").complete
    assert Unprotected(estate.state).all() == []
    assert status_of(estate).unprotected == ()


def test_what_is_noted_keeps_its_time_and_a_broken_note_is_told(tmp_path: Path) -> None:
    noted = Unprotected(tmp_path)
    first = noted.note("orders", "primary", "degraded")
    assert noted.note("orders", "primary", "degraded") == first
    assert noted.all() == [Entry(**asdict(first))]
    noted.lift("orders")
    noted.lift("orders")
    assert noted.of("orders") is None
    (tmp_path / "unprotected" / "orders.json").write_text("[]")
    with pytest.raises(Exception, match="does not say why"):
        noted.of("orders")
