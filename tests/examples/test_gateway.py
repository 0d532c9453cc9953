"""The order gateway: what it acknowledges is at the venue once and on every server that must have it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.examples.conftest import Book, Programs, Reply, Server, call, listed
from tests.sites.drivers.waiting import wait_until

WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = %s"


def order(name: str, payload: str = "buy 10") -> dict[str, str]:
    return {"client_order_id": name, "payload": payload}


@pytest.fixture
def venue(programs: Programs) -> int:
    return programs.venue()


@pytest.fixture
def gateway(programs: Programs, book: Book, venue: int) -> int:
    return programs.gateway(book, venue)


@pytest.fixture
def absent_standby(server: Server) -> Iterator[None]:
    """Every commit waits for a standby that never comes."""
    server.run("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (nobody)'")
    server.run("SELECT pg_reload_conf()")
    wait_until("the setting is in force", lambda: server.run("SHOW synchronous_standby_names") != [("",)])
    yield
    server.run("ALTER SYSTEM RESET synchronous_standby_names")
    server.run("SELECT pg_reload_conf()")
    wait_until("the setting is gone", lambda: server.run("SHOW synchronous_standby_names") == [("",)])


class Placing(threading.Thread):
    def __init__(self, gateway: int, name: str) -> None:
        super().__init__()
        self.gateway, self.order_name = gateway, name
        self.reply: Reply | None = None
        self.start()

    def run(self) -> None:
        self.reply = call(self.gateway, "POST", "/orders", order(self.order_name))


def test_an_acknowledged_order_is_in_the_database_and_once_at_the_venue(
    gateway: int, venue: int, book: Book
) -> None:
    reply = call(gateway, "POST", "/orders", order("a-1"))
    assert reply.status == 201
    assert (reply.served_by or "").startswith("primary/")
    assert book.status("a-1") == "sent"
    assert call(venue, "GET", "/orders/a-1").content["arrivals"] == 1


def test_a_repeated_order_is_refused_and_never_sent_again(gateway: int, venue: int) -> None:
    assert call(gateway, "POST", "/orders", order("a-1")).status == 201
    assert call(gateway, "POST", "/orders", order("a-1", "something else")).status == 409
    assert call(venue, "GET", "/orders/a-1").content["arrivals"] == 1


def test_the_list_holds_what_begins_with_the_prefix_and_ends_with_its_count(gateway: int, book: Book) -> None:
    book.run("INSERT INTO orders SELECT 'x-' || n, 'p' || n, 'sent', 's' FROM generate_series(1, 1201) AS n")
    odd = order('a-"1%_\\é', 'a "quoted"\n\\ payload é')
    assert call(gateway, "POST", "/orders", odd).status == 201
    listing = listed(call(gateway, "GET", "/orders?prefix=x-"))
    assert {name: row["payload"] for name, row in listing.items()} == {
        f"x-{n}": f"p{n}" for n in range(1, 1202)
    }
    assert (
        listed(call(gateway, "GET", "/orders?prefix=a-"))[odd["client_order_id"]]["payload"] == odd["payload"]
    )
    assert listed(call(gateway, "GET", "/orders?prefix=nothing")) == {}


def test_no_order_is_acknowledged_while_the_venue_is_away(
    programs: Programs, gateway: int, venue: int, book: Book
) -> None:
    programs.stop(venue)
    assert call(gateway, "POST", "/orders", order("a-1")).status == 503
    assert book.status("a-1") == "pending"


@pytest.mark.usefixtures("absent_standby")
def test_a_cancelled_wait_for_the_standby_is_no_acknowledgement(
    gateway: int, venue: int, book: Book, server: Server
) -> None:
    placing = Placing(gateway, "a-1")
    wait_until("the commit waits", lambda: server.run(WAITING, book.name))
    server.run("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    placing.join()
    assert placing.reply is not None
    assert placing.reply.status == 503
    assert book.status("a-1") == "pending"
    assert call(venue, "GET", "/orders/a-1").status == 404, "sent, though it may be lost with this server"


@pytest.mark.usefixtures("absent_standby")
def test_a_commit_that_comes_too_late_is_not_sent(
    gateway: int, venue: int, book: Book, server: Server
) -> None:
    reply = call(gateway, "POST", "/orders", order("a-1"))
    assert reply.status == 503
    assert server.run(WAITING, book.name), "the wait was cancelled, which would have committed locally"
    server.run("ALTER SYSTEM SET synchronous_standby_names = ''")
    server.run("SELECT pg_reload_conf()")
    wait_until("the commit is through", lambda: book.status("a-1") == "pending")
    assert call(venue, "GET", "/orders/a-1").status == 404


@pytest.mark.usefixtures("absent_standby")
def test_health_is_not_held_up_by_orders_that_wait(gateway: int, book: Book, server: Server) -> None:
    placing = [Placing(gateway, f"a-{number}") for number in range(20)]
    wait_until("the connections are used up", lambda: len(server.run(WAITING, book.name)) == 16)
    assert call(gateway, "GET", "/health").status == 200
    server.run("ALTER SYSTEM SET synchronous_standby_names = ''")
    server.run("SELECT pg_reload_conf()")
    for one in placing:
        one.join()
    assert all(one.reply is not None for one in placing)


def test_a_cancelled_order_is_cancelled_at_the_venue_and_leaves_the_list(gateway: int, venue: int) -> None:
    call(gateway, "POST", "/orders", order("a-1"))
    assert call(gateway, "DELETE", "/orders/a-1").content["at_venue"] is True
    assert call(venue, "GET", "/orders/a-1").content["cancelled"] is True
    assert listed(call(gateway, "GET", "/orders?prefix=a-")) == {}
    assert listed(call(gateway, "GET", "/orders?prefix=a-&cancelled=yes"))["a-1"]["status"] == "cancelled"
    assert call(gateway, "POST", "/orders", order("a-1")).status == 409


def test_an_order_that_the_venue_never_saw_can_be_cancelled(gateway: int, book: Book) -> None:
    book.put("a-1", "pending")
    assert call(gateway, "POST", "/orders/a-1/cancel").content["at_venue"] is False
    assert book.status("a-1") == "cancelled"


def test_only_an_order_that_the_venue_has_is_confirmed(gateway: int, venue: int, book: Book) -> None:
    book.put("a-1", "pending")
    assert call(gateway, "POST", "/orders/a-1/confirm").status == 404
    call(venue, "POST", "/orders", order("a-1"))
    assert call(gateway, "POST", "/orders/a-1/confirm").status == 200
    assert book.status("a-1") == "sent"
    assert call(gateway, "POST", "/orders/a-1/confirm").status == 200, "once more changes nothing"
    call(gateway, "DELETE", "/orders/a-1")
    assert call(gateway, "POST", "/orders/a-1/confirm").status == 409


def test_health_says_no_for_a_read_only_database(gateway: int, book: Book, server: Server) -> None:
    assert call(gateway, "GET", "/health").status == 200
    server.run(f"ALTER DATABASE {book.name} SET default_transaction_read_only = on")
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", book.name)
    wait_until("it says no", lambda: call(gateway, "GET", "/health").status == 503)
    assert call(gateway, "POST", "/orders", order("a-1")).status == 503


def test_a_gateway_whose_connections_broke_serves_again(gateway: int, book: Book, server: Server) -> None:
    assert call(gateway, "POST", "/orders", order("a-1")).status == 201
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", book.name)
    names = (f"b-{number}" for number in range(1_000))
    wait_until("it serves", lambda: call(gateway, "POST", "/orders", order(next(names))).status == 201)
    assert listed(call(gateway, "GET", "/orders?prefix=a-"))["a-1"]["status"] == "sent"


def test_a_gateway_beside_a_standby_serves_as_soon_as_that_is_promoted(
    programs: Programs, standby: Server, venue: int
) -> None:
    gateway = programs.gateway(Book(standby, "desk"), venue, site="dr")
    assert call(gateway, "GET", "/health").status == 503
    assert call(gateway, "POST", "/orders", order("a-1")).status == 503
    standby.run("SELECT pg_promote(false)")
    names = (f"b-{number}" for number in range(10_000))
    wait_until("it serves", lambda: call(gateway, "POST", "/orders", order(next(names))).status == 201)
    assert call(gateway, "GET", "/health").status == 200


def test_what_is_no_order_is_refused(gateway: int, book: Book) -> None:
    refused = {
        "nonsense": 400,
        "[]": 400,
        "{}": 400,
        '{"client_order_id": 7}': 400,
        '{"client_order_id": "a", "payload": 7}': 400,
        '{"client_order_id": "a\\u0000"}': 400,
        '{"client_order_id": "a\\ud800"}': 400,
        '{"client_order_id": "a", "payload": "' + "x" * 70_000 + '"}': 413,
    }
    assert {text: call(gateway, "POST", "/orders", text=text).status for text in refused} == refused
    assert call(gateway, "GET", "/nowhere").status == 404
    assert book.run("SELECT count(*) FROM orders") == [(0,)]
