"""The exchange: takes orders, remembers every arrival (also a repeated one), forgets nothing at a restart.

POST /orders {"client_order_id": ...}    GET /orders?prefix=      GET /orders/{id}
POST /orders/{id}/cancel                 GET /health
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

from serving import BadRequest, Request, Response, answer, serve

ORDERS_MAX = 1_000_000
ROWS_PER_PIECE = 500


class Book:
    """Arrivals and cancellations by client order id, in memory and in an append-only file."""

    def __init__(self, path: Path, orders_max: int) -> None:
        self.orders_max = orders_max
        self.arrivals: dict[str, int] = {}
        self.cancelled: set[str] = set()
        whole = self._replay(path) if path.exists() else 0
        self._file = path.open("ab")
        self._file.truncate(whole)  # the line that a kill cut short was never answered

    def _replay(self, path: Path) -> int:
        whole = 0
        with path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                act, order = json.loads(line)
                self._apply(act, order)
                whole += len(line)
        return whole

    def _apply(self, act: str, order: str) -> None:
        if act == "new":
            self.arrivals[order] = self.arrivals.get(order, 0) + 1
        else:
            self.cancelled.add(order)

    def record(self, act: str, order: str) -> None:
        self._file.write(json.dumps([act, order]).encode() + b"\n")
        self._file.flush()
        self._apply(act, order)

    def row(self, order: str) -> dict[str, object]:
        return {
            "client_order_id": order,
            "arrivals": self.arrivals[order],
            "cancelled": order in self.cancelled,
        }

    def full(self, order: str) -> bool:
        return order not in self.arrivals and len(self.arrivals) >= self.orders_max


class Venue:
    def __init__(self, book: Book) -> None:
        self.book = book

    async def handle(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", ("health",):
                return answer(200, orders=len(self.book.arrivals))
            case "POST", ("orders",):
                return self._take(request.json_object().get("client_order_id"))
            case "GET", ("orders",):
                return self._list(request.query.get("prefix", ""))
            case "GET", ("orders", order) if order in self.book.arrivals:
                return answer(200, **self.book.row(order))
            case "POST", ("orders", order, "cancel") if order in self.book.arrivals:
                self.book.record("cancel", order)
                return answer(200, **self.book.row(order))
            case _:
                return answer(404, error="no such order or path")

    def _take(self, order: object) -> Response:
        if not isinstance(order, str) or not order:
            raise BadRequest(400, "client_order_id must be a text")
        if self.book.full(order):
            return answer(503, error=f"the book is full ({self.book.orders_max} orders)")
        self.book.record("new", order)
        return answer(201, **self.book.row(order))

    def _list(self, prefix: str) -> Response:
        wanted = [order for order in self.book.arrivals if order.startswith(prefix)]
        return Response(200, stream=self._pieces(wanted))

    async def _pieces(self, orders: list[str]) -> AsyncGenerator[bytes]:
        """In pieces, so that a long list holds no arriving order up."""
        yield b'{"orders":['
        for first in range(0, len(orders), ROWS_PER_PIECE):
            rows = (json.dumps(self.book.row(order)) for order in orders[first : first + ROWS_PER_PIECE])
            yield ("," if first else "").encode() + ",".join(rows).encode()
            await asyncio.sleep(0)
        yield b'],"count":%d,"end":true}' % len(orders)


def main() -> None:
    parser = argparse.ArgumentParser(description="the exchange of the trading desk example")
    parser.add_argument("--host", default="127.0.0.1", help="listen there")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--book", type=Path, required=True, help="append-only file of arrivals")
    parser.add_argument("--orders-max", type=int, default=ORDERS_MAX)
    options = parser.parse_args()
    venue = Venue(Book(options.book, options.orders_max))
    asyncio.run(serve(venue.handle, options.port, host=options.host, served_by="venue"))


if __name__ == "__main__":
    main()
