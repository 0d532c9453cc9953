"""Compares the orders in the database with those at the venue, before strategies may run again.

    missing   sent, says the database, but the venue has never seen it
    unknown   the venue has it, but the database does not
    twice     the venue has seen it more than once
    alive     cancelled, says the database, but live at the venue

An order still pending from a gateway that is gone is asked for at the venue, and then marked sent or
cancelled: a time-out means unknown, so nothing is ever sent again. Prints one JSON object. Exit 0: every
order is known. Exit 1: those named are not. Exit 2: it cannot be told.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

CALL_SECONDS_MAX = 10.0
RETRY_SECONDS = 0.1
NAMED_MAX = 20

Row = dict[str, object]


class CannotTell(Exception):
    """One of the two sides gave no whole answer."""


class Side:
    """The gateway or the venue: `host:port`. What goes wrong is tried again until `deadline` (monotonic).

    That is safe for what is asked here: to list, to cancel, to confirm.
    """

    def __init__(self, address: str, deadline: float) -> None:
        self.address = address
        self.deadline = deadline

    def call(self, method: str, path: str) -> tuple[int, Row]:
        while True:
            try:
                status, content = self._try(method, path)
                reason = str(content.get("error", status))
            except (OSError, http.client.HTTPException, ValueError) as error:
                status, content, reason = 503, {}, str(error) or type(error).__name__
            if status != 503:
                return status, content
            if time.monotonic() > self.deadline:
                raise CannotTell(f"{method} {self.address}{path}: {reason}")
            time.sleep(RETRY_SECONDS)

    def _try(self, method: str, path: str) -> tuple[int, Row]:
        connection = http.client.HTTPConnection(self.address, timeout=CALL_SECONDS_MAX)
        try:
            connection.request(method, path, headers={"Content-Length": "0"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def orders(self, query: str = "") -> dict[str, Row]:
        """All orders by id. A list without its end, or shorter than it says, is none."""
        status, content = self.call("GET", f"/orders{query}")
        rows = content.get("orders")
        if status != 200 or not isinstance(rows, list):
            raise CannotTell(f"{self.address} answered {status}: {content.get('error', 'no list')}")
        if content.get("end") is not True or content.get("count") != len(rows):
            raise CannotTell(f"{self.address} gave {len(rows)} orders of {content.get('count')}")
        return {str(row["client_order_id"]): row for row in rows}


@dataclass(slots=True)
class Findings:
    orders: int = 0
    at_venue: int = 0
    marked_sent: int = 0
    in_flight: int = 0
    cancelled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)

    @property
    def unexplained(self) -> dict[str, list[str]]:
        return {
            "missing": self.missing,
            "unknown": self.unknown,
            "twice": self.twice,
            "alive": self.alive,
        }

    def document(self) -> dict[str, object]:
        wrong = {what: orders for what, orders in self.unexplained.items() if orders}
        counts = {f"{what}_count": len(orders) for what, orders in self.unexplained.items()}
        named = {what: sorted(orders)[:NAMED_MAX] for what, orders in self.unexplained.items()}
        told = "; ".join(f"{len(orders)} {what}: {_some(orders)}" for what, orders in wrong.items())
        return {
            "summary": told
            or f"all {self.orders} orders are known at the venue, {len(self.cancelled)} cancelled",
            "clean": not wrong,
            "orders": self.orders,
            "at_venue": self.at_venue,
            "marked_sent": self.marked_sent,
            "in_flight": self.in_flight,
            "cancelled": len(self.cancelled),
            **counts,
            **named,
        }


def reconcile(gateway: Side, venue: Side) -> Findings:
    """Raises CannotTell.

    The venue is asked first: what it has by then was in the database before, also when orders keep
    coming in through the gateway that answers now. Those of its own session are still on their way.
    """
    session = _session(gateway)
    theirs = venue.orders()
    ours = gateway.orders("?cancelled=yes")
    found = Findings(orders=len(ours), at_venue=len(theirs))
    found.unknown = [order for order in theirs if order not in ours]
    found.twice = [order for order, row in theirs.items() if row["arrivals"] != 1]
    earlier = {order: row for order, row in ours.items() if row["session"] != session}
    found.in_flight = sum(row["status"] == "pending" for order, row in ours.items() if order not in earlier)
    for order, row in earlier.items():
        _look(order, str(row["status"]), theirs.get(order), gateway, found)
    _look_again(found.cancelled, venue, found)
    return found


def _look(order: str, status: str, at_venue: Row | None, gateway: Side, found: Findings) -> None:
    if status == "sent" and at_venue is None:
        found.missing.append(order)
    elif status == "cancelled" and at_venue is not None and not at_venue["cancelled"]:
        found.alive.append(order)
    elif status == "pending" and at_venue is None:
        _change(gateway, order, "cancel")
        found.cancelled.append(order)
    elif status == "pending":
        _change(gateway, order, "cancel" if at_venue and at_venue["cancelled"] else "confirm")
        found.marked_sent += 1


def _look_again(orders: list[str], venue: Side, found: Findings) -> None:
    """An order cancelled just now may have been on its way to the venue: ask for each once more."""
    for order in orders:
        status, row = venue.call("GET", f"/orders/{quote(order, safe='')}")
        if status == 200 and row["cancelled"] is not True:
            found.alive.append(order)


def _session(gateway: Side) -> str:
    status, health = gateway.call("GET", "/health")
    if status != 200 or "session" not in health:
        raise CannotTell(f"there is no gateway at {gateway.address}")
    return str(health["session"])


def _change(gateway: Side, order: str, act: str) -> None:
    status, content = gateway.call("POST", f"/orders/{quote(order, safe='')}/{act}")
    if status != 200:
        raise CannotTell(f"{act} {order} at {gateway.address}: {content.get('error', status)}")


def _some(orders: Iterable[str]) -> str:
    named = sorted(orders)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more


def _of_the_site(gateways: list[str]) -> str:
    """The gateway at the site that is about to start; the only one, where no sites are named."""
    named = dict(gateway.rpartition("=")[::2] for gateway in gateways)
    site = os.environ.get("BLACKSTART_SITE", "")
    try:
        return named.get("") or named[site]
    except KeyError:
        raise CannotTell(f'no gateway is named for site "{site}"') from None


def main() -> int:
    parser = argparse.ArgumentParser(description="compare the orders in the database and at the venue")
    parser.add_argument(
        "--gateway",
        required=True,
        action="append",
        help="host:port of the gateway to ask, or SITE=host:port for each site: BLACKSTART_SITE says which",
    )
    parser.add_argument("--venue", required=True, help="host:port")
    parser.add_argument("--patience", type=float, default=15.0, help="seconds to try for")
    options = parser.parse_args()
    deadline = time.monotonic() + options.patience
    try:
        found = reconcile(Side(_of_the_site(options.gateway), deadline), Side(options.venue, deadline))
    except CannotTell as error:
        print(json.dumps({"summary": f"it cannot be told: {error}", "clean": False}))
        return 2
    print(json.dumps(found.document()))
    return 0 if found.document()["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
