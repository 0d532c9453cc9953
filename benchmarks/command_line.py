"""How long the command line takes to say what it can do, beside the bare interpreter.

python -m benchmarks.command_line [--runs 20] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "blackstart --help": [BLACKSTART, "--help"],
    "blackstart drill --help": [BLACKSTART, "drill", "--help"],
}


def seconds(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/command_line.json"))
    options = parser.parse_args()
    for argv in COMMANDS.values():
        seconds(argv)  # compiled files are there from now on, as on a user's machine
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(options.runs):
        for name, argv in COMMANDS.items():
            taken[name].append(seconds(argv))
    bare = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        spread = f"[{min(times):.3f} to {max(times):.3f}]"
        print(f"{name:26} median {median:.3f} s  {spread}  {median / bare:.1f} x bare")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(taken, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
