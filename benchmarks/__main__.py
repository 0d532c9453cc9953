"""Every benchmark, one after the other: `python -m benchmarks`."""

from __future__ import annotations

import runpy
import sys

for name in (
    "command_line",
    "protection",
    "objects",
    "recovery",
    "measure",
    "recorder",
    "reports",
    "runbook",
    "failover",
):
    print(f"\n== {name}", flush=True)
    sys.argv = [f"benchmarks.{name}"]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")
