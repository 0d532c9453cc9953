"""Benchmarks, one after the other: `python -m benchmarks [NAME]...`, all of them where none is named."""

from __future__ import annotations

import argparse
import runpy
import sys

NAMES = (
    "command_line",
    "protection",
    "objects",
    "recovery",
    "measure",
    "recorder",
    "reports",
    "runbook",
    "failover",
)

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
wanted = parser.parse_args().names
if unknown := [name for name in wanted if name not in NAMES]:
    parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(NAMES)}")
for name in wanted or NAMES:
    print(f"\n== {name}", flush=True)
    sys.argv = [f"benchmarks.{name}"]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")
