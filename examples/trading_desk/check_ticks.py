"""Does restored market data make sense? A restore test says where it lies, in BLACKSTART_RESTORED.

    python check_ticks.py [FOLDER] [--gap-seconds-max 10]

Of every symbol: no day missing between its first and its last, and in each day time always rises, no two
ticks are further apart than allowed, none has another symbol or is torn. No execution id is there twice.
Exits 0 when all is well, 1 with what is wrong, 75 when there was nothing to look at.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

HEADER = "time_ns,symbol,price,size,side,execution_id"
NOTHING_TO_LOOK_AT = 75
TOLD_MAX = 5


def days(symbol: Path) -> Iterator[str]:
    """What is missing between a symbol's first and last day."""
    there = {int(path.stem.removeprefix("day-")) for path in symbol.glob("day-*.csv")}
    for day in range(min(there, default=0), max(there, default=-1)):
        if day not in there:
            yield f"{symbol.name}: day {day} is missing"


def ticks(path: Path, gap_ns_max: int, seen: set[str]) -> Iterator[str]:
    """What is wrong within one day. `seen` holds the execution ids of all days so far."""
    name, symbol = f"{path.parent.name}/{path.name}", path.parent.name
    header, *lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    if header != HEADER:
        yield f"{name}: its first line is not the header"
    if not lines or lines[-1]:
        yield f"{name}: its last line is torn"
    before = 0
    for number, line in enumerate(lines[:-1], 2):
        time_text, _, rest = line.partition(",")
        fields = rest.split(",")
        if not time_text.isdigit() or len(fields) != 5 or fields[0] != symbol:
            yield f"{name}:{number}: no tick of {symbol}"
            continue
        time_ns = int(time_text)
        if time_ns <= before:
            yield f"{name}:{number}: time does not rise"
        elif before and time_ns - before > gap_ns_max:
            yield f"{name}:{number}: a gap of {(time_ns - before) / 1e9:.1f} s"
        if fields[4] in seen:
            yield f"{name}:{number}: execution {fields[4]} is there twice"
        seen.add(fields[4])
        before = time_ns


def wrong(folder: Path, gap_seconds_max: float) -> Iterator[str]:
    seen: set[str] = set()
    for symbol in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        yield from days(symbol)
        for path in sorted(symbol.glob("day-*.csv")):
            yield from ticks(path, int(gap_seconds_max * 1e9), seen)


def main() -> int:
    parser = argparse.ArgumentParser(description="look for gaps, duplicates and time that does not rise")
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("BLACKSTART_RESTORED"))
    parser.add_argument("--gap-seconds-max", type=float, default=10.0)
    options = parser.parse_args()
    files = list(options.folder.glob("*/day-*.csv")) if options.folder else []
    if not files:
        print(f"no market data in {options.folder}", file=sys.stderr)
        return NOTHING_TO_LOOK_AT
    found = list(wrong(options.folder, options.gap_seconds_max))
    if found:
        more = f"; and {len(found) - TOLD_MAX} more" if len(found) > TOLD_MAX else ""
        print("; ".join(found[:TOLD_MAX]) + more, file=sys.stderr)
        return 1
    print(f"{len(files)} days: no gap, no duplicate, time always rises")
    return 0


if __name__ == "__main__":
    sys.exit(main())
