"""The gate before the strategies: every order is known, or it is named and the gate stays shut."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sites.drivers import command
from tests.examples.conftest import DESK, Book, Programs, call


@dataclass(frozen=True, slots=True)
class Desk:
    book: Book
    venue: int
    gateway: int

    def at_venue(self, order: str) -> None:
        assert call(self.venue, "POST", "/orders", {"client_order_id": order}).status == 201

    def known(self, order: str) -> None:
        self.book.put(order, "sent")
        self.at_venue(order)

    def reconcile(self, *, patience: float = 10.0) -> tuple[int, dict[str, Any]]:
        return reconcile(self.gateway, self.venue, patience)


def reconcile(gateway: int, venue: int, patience: float) -> tuple[int, dict[str, Any]]:
    where = [
        "--gateway",
        f"127.0.0.1:{gateway}",
        "--venue",
        f"127.0.0.1:{venue}",
        "--patience",
        str(patience),
    ]
    done = command.run([sys.executable, DESK / "reconcile.py", *where], limit_seconds=20, ok_codes=(0, 1, 2))
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def desk(programs: Programs, book: Book) -> Desk:
    venue = programs.venue()
    return Desk(book, venue, programs.gateway(book, venue, site="dr"))


def test_the_gate_opens_when_every_order_is_known(desk: Desk) -> None:
    for number in range(30):
        desk.known(f"a-{number}")
    call(desk.gateway, "POST", "/orders", {"client_order_id": "b-1"})
    code, said = desk.reconcile()
    assert code == 0, said
    assert (said["orders"], said["at_venue"], said["clean"]) == (31, 31, True)


def test_each_kind_of_unexplained_order_is_named_and_shuts_the_gate(desk: Desk) -> None:
    desk.known("a-1")
    desk.book.put("missing-1", "sent")
    desk.at_venue("unknown-1")
    desk.known("twice-1")
    desk.at_venue("twice-1")
    desk.book.put("alive-1", "cancelled")
    desk.at_venue("alive-1")
    code, said = desk.reconcile()
    assert code == 1
    named = {what: said[what] for what in ("missing", "unknown", "twice", "alive")}
    assert named == {what: [f"{what}-1"] for what in named}
    assert all(f"1 {what}: {what}-1" in said["summary"] for what in named)


def test_many_are_counted_whole_and_named_in_part(desk: Desk) -> None:
    for number in range(50):
        desk.book.put(f"a-{number:02d}", "sent")
    code, said = desk.reconcile()
    assert (code, said["missing_count"], len(said["missing"])) == (1, 50, 20)
    assert said["summary"] == "50 missing: a-00, a-01, a-02 and 47 more"


def test_pending_orders_of_a_lost_gateway_are_asked_for_and_settled(desk: Desk) -> None:
    desk.book.put("reached-1", "pending")
    desk.at_venue("reached-1")
    desk.book.put("lost-1", "pending")
    code, said = desk.reconcile()
    assert code == 0, said
    assert (said["marked_sent"], said["cancelled"]) == (1, 1)
    assert (desk.book.status("reached-1"), desk.book.status("lost-1")) == ("sent", "cancelled")
    assert call(desk.venue, "GET", "/orders/reached-1").content["arrivals"] == 1
    assert call(desk.venue, "GET", "/orders/lost-1").status == 404
    again, said = desk.reconcile()
    assert (again, said["marked_sent"], said["cancelled"]) == (0, 0, 0)


def test_an_order_on_its_way_through_this_gateway_is_left_alone(desk: Desk) -> None:
    session = call(desk.gateway, "GET", "/health").content["session"]
    desk.book.put("under-way-1", "pending", session)
    code, said = desk.reconcile()
    assert (code, said["in_flight"]) == (0, 1)
    assert desk.book.status("under-way-1") == "pending"


def test_it_cannot_be_told_when_one_side_is_silent(desk: Desk, programs: Programs) -> None:
    programs.stop(desk.venue)
    code, said = desk.reconcile(patience=0)
    assert (code, said["clean"]) == (2, False)
    assert "cannot be told" in said["summary"]
    programs.stop(desk.gateway)
    assert desk.reconcile(patience=0)[0] == 2


def test_it_waits_for_a_side_that_is_late(desk: Desk, programs: Programs, tmp_path: Path) -> None:
    programs.stop(desk.venue)
    book = tmp_path / "late"
    desk.book.put("lost-1", "pending")
    again = threading.Timer(0.2, lambda: programs.start("venue", "--book", book, port=desk.venue))
    again.start()
    code, said = desk.reconcile()
    again.join()
    assert (code, said["cancelled"]) == (0, 1)
