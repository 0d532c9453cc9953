"""An asynchronous standby that is up and does not follow is told of; what it lacks is a person's to lose."""

from __future__ import annotations

import os
import threading

import psycopg
import pytest
import yaml
from psycopg import conninfo, sql

from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.logged import Follows
from sites.drivers.postgres.server import ADMIN
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.at_hand import AWAY_SECONDS_MAX
from sites.recovery.following import LEAST_SECONDS, Following
from sites.recovery.lacking import UNSEEN_SECONDS_MAX
from sites.recovery.looking_after import BACK, LOST
from sites.recovery.respond import Responder
from tests.sites.drivers.pairs import ADMIN_PASSWORD, Pair
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_degrading import Clock
from tests.sites.recovery.test_failback import NewPair, quiet
from tests.sites.recovery.test_lacking import asked_of_a_person, with_service

pytestmark = pytest.mark.postgres


def asynchronous(pair: Pair, **more: object) -> Estate:
    path = light_estate(pair).plan.path
    declared = yaml.safe_load(path.read_text())
    orders = declared["datasets"]["orders"]
    del orders["synchronous"], orders["on_standby_loss"]
    orders.update(more)
    return with_service(Estate(read_plan(path, yaml.safe_dump(declared).encode(), {}), until_pid=os.getpid()))


def follow(estate: Estate, primary: str) -> str:
    """Tell the standby whom to follow; whom it followed before."""
    at = estate.postgres("orders").login("dr")
    words = conninfo.make_conninfo(
        host=at.host, port=at.port, user=ADMIN, password=ADMIN_PASSWORD, dbname="desk"
    )
    with psycopg.connect(words, autocommit=True) as admin:
        [(before,)] = admin.execute("SHOW primary_conninfo").fetchall()
        admin.execute(sql.SQL("ALTER SYSTEM SET primary_conninfo TO {}").format(primary))
        admin.execute("SELECT pg_reload_conf()")
    return str(before)


def cut_off(estate: Estate) -> str:
    before = follow(estate, "")
    while estate.postgres("orders").receiver_pid("dr") is not None:
        threading.Event().wait(0.01)
    return before


def until(following: Following, about: str) -> str:
    while not (found := following.look()):
        threading.Event().wait(0.01)
    assert [changed.about for changed in found] == [about], found
    return found[0].said


def test_a_standby_that_is_up_and_does_not_stream_is_told_and_its_return_too(new_pair: NewPair) -> None:
    estate, clock = asynchronous(new_pair(synchronous=False)), Clock()
    following, strict = Following(estate, clock), Following(asynchronous_again(estate, rpo="10s"), clock)
    assert [*following.unseen(), *strict.unseen()] == ["orders", "orders"]
    assert (following.look(), following.told(), following.unseen()) == ([], "", [])
    assert strict.look() == []
    before = cut_off(estate)
    clock.seconds = AWAY_SECONDS_MAX - 1
    assert following.look() == strict.look() == []
    assert following.told() == ""
    assert "had not followed there for 29 s" in strict.told()  # more than its `rpo`
    clock.seconds = AWAY_SECONDS_MAX + 1
    assert "for 31 s: the standby has no receiver" in until(following, LOST)
    assert following.look() == []  # nobody is told twice
    assert "had not followed there for 31 s when its primary last answered" in following.told()
    estate.site("primary").kill()
    clock.seconds += UNSEEN_SECONDS_MAX
    assert following.look() == []  # a primary that is gone is detection's
    assert "for 31 s" in following.told()  # as of then
    estate.site("primary").up()
    estate.postgres("orders").wait_until_answering("primary", limit_seconds=30)
    follow(estate, before)
    until(following, BACK)
    assert following.told() == ""
    clock.seconds += UNSEEN_SECONDS_MAX + 1
    assert "could not be seen for 61 s" in following.told()


def asynchronous_again(estate: Estate, **more: object) -> Estate:
    declared = yaml.safe_load(estate.plan.raw)
    declared["datasets"]["orders"].update(more)
    return Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}))


def test_one_that_merely_lags_is_measured_in_time(new_pair: NewPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is always so many seconds behind a log that never rests, and never has all of it."""
    clock, late = Clock(), [8]
    following = Following(asynchronous(new_pair(synchronous=False), rpo="12s"), clock)

    def follows(*_: object) -> Follows:
        return Follows(int(clock.seconds) * 100, max(0, int(clock.seconds) - late[0]) * 100, None)

    monkeypatch.setattr(PostgresDataset, "follows", follows)
    for second in range(200):
        clock.seconds = second
        assert following.look() == []
        assert following.told() == ""
    late[0] = 40
    told = []
    for second in range(200, 260):
        clock.seconds = second
        told += following.look()
    assert [one.about for one in told] == [LOST]
    assert "had not followed there for" in following.told()
    late[0] = int(LEAST_SECONDS)
    clock.seconds += 1
    assert [one.about for one in following.look()] == [BACK]
    assert following.told() == ""


def test_a_healthy_one_is_failed_over_to_automatically(new_pair: NewPair) -> None:
    estate, seen = asynchronous(new_pair(synchronous=False), rpo="0s"), list[str]()
    responder = Responder(estate, lambda event, _: seen.append(event))
    responder.following.look()
    estate.site("primary").kill()
    run = responder.stand_watch(threading.Event())
    assert run is not None
    assert run.complete
    assert "decide_waiting" not in seen
    assert estate.postgres("orders").writable("dr") is True


def test_one_that_did_not_follow_is_failed_over_to_by_a_person(new_pair: NewPair) -> None:
    estate, asked = asynchronous(new_pair(synchronous=False), rpo="5s"), list[str]()
    responder, clock = Responder(estate, quiet), Clock()
    responder.following._clock = clock
    responder.following.look()
    cut_off(estate)
    clock.seconds = 7.0
    responder.following.look()
    estate.site("primary").kill()
    asked_of_a_person(estate, responder, asked)
    assert 'dataset "orders" had not followed there for 7 s' in asked[0]
    asked.clear()
    asked_of_a_person(estate, Responder(estate, quiet), asked)  # a watch that begins after the loss
    assert "was not seen to follow there since this watch began" in asked[0]
