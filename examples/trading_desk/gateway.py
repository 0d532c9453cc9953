"""The order gateway: commits an order in PostgreSQL, sends it to the venue once, and only then says 201.

    POST   /orders {"client_order_id": ..., "payload": ...}   201 safe, 409 known already, 503 anything else
    GET    /orders?prefix=[&cancelled=yes]                    {"orders": [...], "count": N, "end": true}
    GET    /orders/{id}           DELETE /orders/{id}  or  POST /orders/{id}/cancel
    POST   /orders/{id}/confirm   GET    /health

It may run at a site whose database is a standby: it answers 503 until that database is promoted.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psycopg
from calling import Caller, Unreachable
from order_book import Change, OrderBook
from serving import BadRequest, Request, Response, answer, serve

ORDERS_IN_FLIGHT_MAX = 1_000
ORDER_SECONDS_MAX = 1.5
VENUE_SECONDS_MAX = 1.0
HEALTH_SECONDS_MAX = 0.2

T = TypeVar("T")


class Refused(Exception):
    """Not acknowledged. The order may exist: ask for it before sending anything again."""


class Gateway:
    """`health` is a book of its own: what waits for a connection to write says nothing of the database."""

    def __init__(self, book: OrderBook, health: OrderBook, venue: Caller, site: str) -> None:
        self.book = book
        self.health = health
        self.venue = venue
        self.site = site
        self.in_flight: set[str] = set()
        self._asking: asyncio.Task[bool] | None = None

    async def handle(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except (Refused, Unreachable, psycopg.Error, OSError) as error:
            return answer(503, error=str(error).strip() or type(error).__name__)

    async def _route(self, request: Request) -> Response:
        match request.method, request.path:
            case "POST", ("orders",):
                return await self._place(request)
            case "GET", ("orders",):
                cancelled = request.query.get("cancelled") == "yes"
                listing = await self.book.listing(request.query.get("prefix", ""), cancelled=cancelled)
                return Response(200, stream=listing.pieces, length_bytes=listing.length_bytes)
            case "GET", ("orders", order):
                return await self._show(order)
            case ("DELETE", ("orders", order)) | ("POST", ("orders", order, "cancel")):
                return await self._cancel(order)
            case "POST", ("orders", order, "confirm"):
                return await self._confirm(order)
            case "GET", ("health",):
                return await self._answer_health()
            case _:
                return answer(404, error="no such path")

    async def _place(self, request: Request) -> Response:
        order, payload = _order(request.json_object())
        if len(self.in_flight) >= ORDERS_IN_FLIGHT_MAX:
            return answer(503, error="too many orders in flight")
        if order in self.in_flight:
            return answer(409, client_order_id=order, error="this order is in flight")
        self.in_flight.add(order)
        task = asyncio.create_task(self._commit_and_send(order, payload))
        task.add_done_callback(lambda _: self.in_flight.discard(order))
        task.add_done_callback(_forget)
        await asyncio.wait({task}, timeout=ORDER_SECONDS_MAX)
        if task.done():
            return task.result()
        # The task goes on: cancelling it would cancel the wait for the standby, which commits locally.
        raise Refused(f"not confirmed within {ORDER_SECONDS_MAX} s")

    async def _commit_and_send(self, order: str, payload: str) -> Response:
        clock = asyncio.get_running_loop()
        started = clock.time()
        change = _safe(await self.book.new(order, payload))
        if change.rows == 0:
            return answer(409, client_order_id=order, error="this order is known already")
        if clock.time() - started > ORDER_SECONDS_MAX:
            raise Refused("committed too late to be sent")  # its client was told 503 and may have moved on
        await self._send(order)
        _safe(await self.book.mark_sent(order))
        return answer(201, client_order_id=order, status="sent")

    async def _send(self, order: str) -> None:
        sent = await self.venue.post("/orders", {"client_order_id": order})
        if sent.status != 201:
            raise Refused(f"the venue answered {sent.status}")

    async def _show(self, order: str) -> Response:
        if (row := await self.book.row(order)) is None:
            return answer(404, error="no such order")
        return answer(200, client_order_id=order, status=row[0], session=row[1])

    async def _cancel(self, order: str) -> Response:
        """At the venue first; an order that the venue never saw is cancelled here alone."""
        if order in self.in_flight:
            return answer(409, client_order_id=order, error="this order is in flight")
        if await self.book.row(order) is None:
            return answer(404, error="no such order")
        at_venue = await self.venue.post(f"/orders/{quote(order, safe='')}/cancel")
        if at_venue.status not in (200, 404):
            raise Refused(f"the venue answered {at_venue.status}")
        _safe(await self.book.mark_cancelled(order))
        return answer(200, client_order_id=order, status="cancelled", at_venue=at_venue.status == 200)

    async def _confirm(self, order: str) -> Response:
        """Mark a pending order sent, once the venue itself says that it has it."""
        at_venue = await self.venue.get(f"/orders/{quote(order, safe='')}")
        if at_venue.status != 200:
            return answer(404, error="the venue has no such order")
        if _safe(await self.book.mark_sent(order)).rows == 0:
            row = await self.book.row(order)
            if row is None or row[0] != "sent":
                return answer(409, client_order_id=order, error="this order is not pending")
        return answer(200, client_order_id=order, status="sent")

    async def _answer_health(self) -> Response:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self.health.writable())
            self._asking.add_done_callback(_forget)
        await asyncio.wait({self._asking}, timeout=HEALTH_SECONDS_MAX)
        if not self._asking.done():
            raise Refused("the database does not answer")
        if not self._asking.result():
            raise Refused("the database takes no writes: it is in recovery or read-only")
        return answer(200, site=self.site, session=self.book.session)


def _forget(task: asyncio.Task[T]) -> None:
    """Nobody may be left to hear how it ended; asyncio would complain about that."""
    if not task.cancelled():
        task.exception()


def _order(content: dict[str, object]) -> tuple[str, str]:
    order, payload = content.get("client_order_id"), content.get("payload", "")
    if not isinstance(order, str) or not isinstance(payload, str) or not order:
        raise BadRequest(400, "client_order_id and payload must be texts")
    if not (order + payload).isprintable() and _unstorable(order + payload):
        raise BadRequest(400, "client_order_id or payload holds what PostgreSQL cannot store")
    return order, payload


def _unstorable(text: str) -> bool:
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def _safe(change: Change) -> Change:
    if not change.safe:
        raise Refused("committed on this server, perhaps on no other")
    return change


async def run(options: argparse.Namespace) -> None:
    session = f"{options.site}-{uuid.uuid4().hex[:12]}"
    book = OrderBook(options.database, options.password_file.read_text().strip(), session)
    health = OrderBook(options.database, book.password, session, connections_max=1)
    venue = Caller(options.venue, limit_seconds=VENUE_SECONDS_MAX)
    gateway = Gateway(book, health, venue, options.site)
    warming = asyncio.create_task(book.keep_warm())
    await serve(gateway.handle, options.port, host=options.host, served_by=f"{options.site}/{session}")
    warming.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description="the order gateway of the trading desk example")
    parser.add_argument("--host", default="127.0.0.1", help="listen there")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--site", required=True, help="name told in X-Served-By")
    parser.add_argument("--database", required=True, help="libpq connection string, without the password")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--venue", required=True, help="host:port")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
