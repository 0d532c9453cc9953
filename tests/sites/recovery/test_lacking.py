"""The standby may lack what was acknowledged: somebody turned the primary by hand, or nobody could see it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from flows.exposure.status import status_of
from flows.readiness.roles import roles
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.lacking import UNSEEN_SECONDS_MAX, Lacking
from sites.recovery.looking_after import BACK, LOST, UNKNOWN
from sites.recovery.respond import Responder
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from sites.unprotected import Unprotected
from tests.sites.drivers.pairs import REPLICATION_PASSWORD, Pair, free_port
from tests.sites.recovery.light import light_estate
from tests.sites.recovery.test_degrading import Clock, as_admin
from tests.sites.recovery.test_failback import NewPair

pytestmark = pytest.mark.postgres

NAMES = "ALTER SYSTEM SET synchronous_standby_names"


def by_hand(estate: Estate, *statements: str) -> None:
    for statement in (*statements, "SELECT pg_reload_conf()"):
        as_admin(estate, statement)


def until(lacking: Lacking, about: str) -> str:
    """What is said once the server works by what it was told."""
    while not (found := lacking.look()):
        threading.Event().wait(0.01)
    assert [changed.about for changed in found] == [about], found
    return found[0].said


def with_service(estate: Estate) -> Estate:
    """The plan fails over by itself once nobody answers at that address, and nobody does."""
    declared = yaml.safe_load(estate.plan.raw)
    declared["services"] = {
        "web": {"endpoint": f"http://127.0.0.1:{free_port()}", "check": {"kind": "http", "path": "/"}}
    }
    return Estate(read_plan(estate.plan.path, yaml.safe_dump(declared).encode(), {}), until_pid=os.getpid())


def asked_of_a_person(estate: Estate, responder: Responder, asked: list[str]) -> None:
    """It declares the outage, and does not fail over by itself."""
    stop = threading.Event()

    def observe(event: str, detail: object) -> None:
        if event == "decide_waiting":
            asked.append(str(detail))
            stop.set()

    responder._observe = observe
    with pytest.raises(Exception, match="not approved: withdrawn"):
        responder.stand_watch(stop)
    assert Standing(estate.state).now == "serving at home"
    assert estate.postgres("orders").writable("dr") is False


def test_who_waits_for_nobody_by_hand_is_failed_over_from_by_a_person(new_pair: NewPair) -> None:
    estate, asked = with_service(light_estate(new_pair(synchronous=True))), list[str]()
    responder = Responder(estate, lambda *_: None)
    lacking = responder.lacking
    assert (lacking.look(), lacking.told()) == ([], "")
    by_hand(estate, f"{NAMES} = ''")
    assert "synchronous_standby_names is empty" in until(lacking, LOST)
    assert 'commits at site "primary" do not wait for the other site' in lacking.told()
    assert any("do not wait" in line for line in status_of(estate).unprotected)
    estate.site("primary").kill()
    asked_of_a_person(estate, responder, asked)
    assert "It may lack writes" in asked[0]
    assert "somebody told its server so" in asked[0]
    asked.clear()
    (later := Responder(estate, lambda *_: None)).lacking.look()
    asked_of_a_person(estate, later, asked)  # who starts later knows it too: it is written down
    assert "somebody told its server so" in asked[0]


def test_who_asks_is_told_of_commits_that_wait_for_nobody_whatever_the_views_say(new_pair: NewPair) -> None:
    """The standby is synchronous all along; what the database says of its commits counts."""
    estate = light_estate(new_pair(synchronous=True))
    lacking, orders = Lacking(estate), estate.postgres("orders")
    by_hand(estate, "ALTER DATABASE desk SET synchronous_commit = off")
    until(lacking, LOST)
    (proof, row) = (orders.in_sync(standby="dr"), status_of(estate).datasets[0])
    assert (proof.holds, proof.detail["sync_state"]) == (False, "sync")
    assert "synchronous_commit is off" in proof.how
    assert any("synchronous_commit is off" in note for note in row.notes)
    assert [one.state for one in roles(estate) if one.name == "standby of orders"] == ["failed"]
    assert orders.in_sync(standby="dr", synchronous=False).holds  # it has everything, and streams
    by_hand(estate, "ALTER DATABASE desk RESET ALL")
    assert orders.wait_until_in_sync(limit_seconds=20).holds
    (line,) = status_of(estate).unprotected  # a person would still be asked
    assert "`blackstart watch` takes this note away" in line
    until(lacking, BACK)
    assert status_of(estate).unprotected == ()


@pytest.mark.campaign
def test_what_nobody_has_seen_is_decided_by_a_person(new_pair: NewPair) -> None:
    """A watch that began after the loss knows nothing of the commits before."""
    estate, asked = with_service(light_estate(new_pair(synchronous=True))), list[str]()
    estate.site("primary").kill()
    responder = Responder(estate, lambda *_: None)
    (told,) = responder.lacking.look()
    assert told.about == UNKNOWN
    assert responder.lacking.look() == []  # nobody is told twice
    asked_of_a_person(estate, responder, asked)
    assert "nobody could see since this watch began" in asked[0]


@pytest.mark.campaign
def test_what_was_seen_too_long_ago_is_unknown_and_what_is_seen_again_is_told(new_pair: NewPair) -> None:
    estate, clock = light_estate(new_pair(synchronous=True)), Clock()
    lacking = Lacking(estate, clock)
    assert lacking.look() == []
    estate.site("primary").stop("postgres")
    clock.seconds = UNSEEN_SECONDS_MAX
    assert (lacking.look(), lacking.told()) == ([], "")  # as long as that an outage's own looks fail
    clock.seconds += 1
    assert [changed.about for changed in lacking.look()] == [UNKNOWN]
    assert "nobody could see for 61 s" in lacking.told()
    estate.site("primary").start("postgres")
    assert until(lacking, BACK)
    assert lacking.told() == ""


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("off", "on"),
    [
        (f"{NAMES} = ''", "ALTER SYSTEM RESET synchronous_standby_names"),
        ("ALTER ROLE blackstart SET synchronous_commit = local", "ALTER ROLE blackstart RESET ALL"),
        ("ALTER DATABASE desk SET synchronous_commit = off", "ALTER DATABASE desk RESET ALL"),
    ],
)
def test_it_is_lifted_once_commits_wait_again(new_pair: NewPair, off: str, on: str) -> None:
    estate = light_estate(new_pair(synchronous=True))
    lacking = Lacking(estate)
    assert lacking.look() == []
    by_hand(estate, off)
    until(lacking, LOST)
    assert lacking.look() == []
    by_hand(estate, on)
    until(lacking, BACK)
    assert Unprotected(estate.state).all() == []
    assert lacking.told() == ""


@pytest.mark.campaign
def test_a_standby_that_is_lost_lacks_nothing_and_an_act_under_way_is_left_alone(new_pair: NewPair) -> None:
    estate = light_estate(new_pair(synchronous=True))
    lacking = Lacking(estate)
    assert lacking.look() == []
    by_hand(estate, f"{NAMES} = ''")
    with under_way(estate.state, "switchover") as act:
        assert lacking.look() == []
        act.abandon()
    until(lacking, LOST)


@contextmanager
def stranger(pair: Pair) -> Iterator[None]:
    """Somebody else's receiver, for which commits wait as well."""
    at, programs = pair.servers["primary"].settings, pair.servers["primary"].programs
    folder = pair.folder / "stranger"
    folder.mkdir()
    words = f"host={at.host} port={at.port} user=replicator application_name=stranger"
    argv = [programs.path("pg_receivewal"), "-D", str(folder), "--synchronous", "-d", words]
    env = {**os.environ, "PGPASSWORD": REPLICATION_PASSWORD}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.campaign
@pytest.mark.parametrize("names", ["FIRST 1 (stranger)", "ANY 1 (dr, stranger)"])
def test_a_server_that_is_content_with_another_standby_is_seen(new_pair: NewPair, names: str) -> None:
    pair = new_pair(synchronous=True)
    estate = light_estate(pair)
    lacking = Lacking(estate)
    assert lacking.look() == []
    with stranger(pair):
        by_hand(estate, f"{NAMES} = '{names}'")
        assert "another standby: 'stranger'" in until(lacking, LOST)
        assert not estate.postgres("orders").in_sync().holds
