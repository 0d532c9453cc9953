"""Makes the desk's files: strategies, and market data that looks like a day of trades per file.

The same seed makes the same bytes everywhere. About half of each tick is an execution id, which no
compression shortens by more than half, so that backups have something to do.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

SYMBOLS = ("AAX", "BRD", "CLV", "DYN", "EQT", "FNX", "GLB", "HRZ", "IRX", "JNO")
DAYS = 21
TICKS_PER_FILE = 3_700
STRATEGIES = 24
DAY_NS = 86_400 * 10**9
FIRST_DAY_NS = 1_793_577_600 * 10**9
OPEN_NS = 8 * 3_600 * 10**9
ID_BYTES = 16


def ticks(symbol: str, day: int, seed: int) -> bytes:
    """One file: time in ns (always rising), symbol, price, size, side, execution id."""
    chance = random.Random(f"{seed}/{symbol}/{day}")  # noqa: S311  a reproducible price is the point
    ids = chance.randbytes(TICKS_PER_FILE * ID_BYTES).hex()
    moves = chance.randbytes(TICKS_PER_FILE * 4)
    now = FIRST_DAY_NS + day * DAY_NS + OPEN_NS
    cents = chance.randrange(2_000, 50_000)
    lines = ["time_ns,symbol,price,size,side,execution_id\n"]
    for number in range(TICKS_PER_FILE):
        wait, move, size, side = moves[number * 4 : number * 4 + 4]
        now += (wait + 1) * 25_000_003
        cents += (move & 7) - 3 if cents > 100 else 4
        lines.append(
            f"{now},{symbol},{cents / 100:.2f},{size * 10 + 10},{'BS'[side & 1]},"
            f"{ids[number * 32 : number * 32 + 32]}\n"
        )
    return "".join(lines).encode()


def strategy(number: int, seed: int) -> bytes:
    chance = random.Random(f"{seed}/strategy/{number}")  # noqa: S311
    symbol = SYMBOLS[number % len(SYMBOLS)]
    content = {
        "name": f"{symbol.lower()}-{chance.choice(('momentum', 'reversion', 'spread'))}-{number:02d}",
        "symbol": symbol,
        "side": chance.choice(("buy", "sell")),
        "quantity": chance.randrange(1, 50) * 10,
        "window_seconds": chance.choice((5, 15, 60)),
        "weights": [round(chance.uniform(-1, 1), 6) for _ in range(32)],
        "day_loss_max": chance.randrange(5, 50) * 1_000,
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def make(strategies: Path, market_data: Path, seed: int) -> None:
    strategies.mkdir(parents=True, exist_ok=True)
    for number in range(STRATEGIES):
        (strategies / f"strategy-{number:02d}.json").write_bytes(strategy(number, seed))
    for symbol in SYMBOLS:
        folder = market_data / symbol
        folder.mkdir(parents=True, exist_ok=True)
        for day in range(DAYS):
            (folder / f"day-{day:03d}.csv").write_bytes(ticks(symbol, day, seed))


def main() -> None:
    parser = argparse.ArgumentParser(description="make the files of the trading desk example")
    parser.add_argument("--strategies", type=Path, required=True)
    parser.add_argument("--ticks", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    make(options.strategies, options.ticks, options.seed)


if __name__ == "__main__":
    main()
