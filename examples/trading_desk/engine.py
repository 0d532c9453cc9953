"""The strategies: about one order a second, in turn, through the gateway of their own site.

They start only where they are told to. After a failover that is the other site, once every order is known.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import uuid
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

from calling import Caller, Unreachable

ORDER_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Strategy:
    name: str
    symbol: str
    side: str
    quantity: int

    def order(self, price: str) -> str:
        return f"{self.side} {self.quantity} {self.symbol} @ {price} ({self.name})"


def load(folder: Path) -> list[Strategy]:
    """All strategies of a folder. SystemExit when there are none, ValueError or KeyError for a broken one."""
    told = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    if not told:
        sys.exit(f"no strategies in {folder}: nothing to run")
    return [Strategy(t["name"], t["symbol"], t["side"], int(t["quantity"])) for t in told]


def last_price(ticks: Path, symbol: str) -> str:
    """The newest price of a symbol. SystemExit when there is no market data for it."""
    files = sorted((ticks / symbol).glob("*.csv"))
    if not files:
        sys.exit(f"no market data for {symbol} in {ticks}")
    return files[-1].read_text().rstrip().rpartition("\n")[2].split(",")[2]


async def trade(gateway: Caller, orders: list[str], every_seconds: float, stop: asyncio.Event) -> None:
    """One order after the other until `stop`. An order that is not confirmed is never sent again."""
    session = uuid.uuid4().hex[:8]
    for number, payload in zip(count(1), cycle(orders), strict=False):
        order = f"engine-{session}-{number}"
        try:
            answer = await gateway.post("/orders", {"client_order_id": order, "payload": payload})
            print(f"{order} {payload}: {answer.status}", flush=True)
        except Unreachable as error:
            print(f"{order} {payload}: unknown ({error})", flush=True)
        try:
            await asyncio.wait_for(stop.wait(), every_seconds)
        except TimeoutError:
            continue
        return


async def run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    strategies = load(options.strategies)
    prices = {symbol: last_price(options.ticks, symbol) for symbol in {s.symbol for s in strategies}}
    gateway = Caller(options.gateway, limit_seconds=ORDER_SECONDS_MAX)
    await trade(gateway, [s.order(prices[s.symbol]) for s in strategies], options.every, stop)


def main() -> None:
    parser = argparse.ArgumentParser(description="the strategies of the trading desk example")
    parser.add_argument("--gateway", required=True, help="host:port")
    parser.add_argument("--strategies", type=Path, required=True)
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between orders")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
