"""How long it takes to measure, to report and to verify long ledgers, and in how much memory.

    python -m benchmarks.measure [--measure 10000000] [--report 1000000] [--json FILE]

The ledgers are made first, always the same (see `benchmarks.ledgers`). Each act is a process of its own, so
that its memory is its own: the most that it ever had. One act runs at a time and uses one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import ledgers
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder
from rto_rpo.measure import measure
from rto_rpo.report.publish import publish

# What each act may take, on two cores: seconds and MiB.
LIMITS = {"measure": (60, 300), "report": (10, 300), "verify": (15, 300)}


def measured(folder: Path) -> dict[str, Any]:
    found = measure(folder / "ledger.jsonl")
    [time_] = found.recovery_times
    [point] = found.recovery_points
    return {
        "void": found.void,
        "operations": found.counts["operations"],
        "records": found.counts["records"],
        "rta_seconds": [time_.lower_seconds, time_.upper_seconds],
        "rpa_seconds": [point.lower_seconds, point.upper_seconds],
        "lost": len(point.lost),
    }


def reported(folder: Path) -> dict[str, Any]:
    return {"verdict": publish(folder)["verdict"]}


def verified(folder: Path) -> dict[str, Any]:
    found = verify(folder.parent)
    return {"intact": found.intact, "recomputed": found.runs[0].recomputed}


ACTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "measure": measured,
    "report": reported,
    "verify": verified,
}


def act(name: str, folder: Path) -> None:
    """In a process of its own: do it, and print how long it took and how much memory."""
    began = time.perf_counter()
    found = ACTS[name](folder)
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "rss_mib_max": memory, **found}))


def alone(name: str, folder: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", "benchmarks.measure", "--act", name, str(folder)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    seconds, memory = LIMITS[name]
    print(
        f"{name:8} {found['seconds']:6.1f} s of {seconds}, {found['rss_mib_max']:4.0f} MiB of {memory}"
        f"  {'within' if within(name, found) else 'BEYOND'}",
        flush=True,
    )
    return found


def within(name: str, found: dict[str, Any]) -> bool:
    seconds, memory = LIMITS[name]
    return bool(found["seconds"] <= seconds and found["rss_mib_max"] <= memory)


def opened(root: Path, operations: int) -> RunFolder:
    """A run in the evidence at `root`, with a ledger of that many operations."""
    run = chain.open_run(
        root, run=ledgers.RUN, drill="kill-primary", plan=ledgers.PLAN, key=None, now=datetime.now(UTC)
    )
    size = ledgers.write(run.path / "ledger.jsonl", operations)
    print(f"made a ledger of {operations:,} operations, {size / 1e6:,.0f} MB", flush=True)
    return run


def everything(operations: int, reported_operations: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
    try:
        found = {"measure": alone("measure", opened(folder / "long", operations).path)}
        shutil.rmtree(folder / "long")
        run = opened(folder / "evidence", reported_operations)
        found["report"] = alone("report", run.path)
        verdict = found["report"]["verdict"]
        chain.close_run(run.path.parent, run, verdict=verdict, key=None, now=datetime.now(UTC))
        found["verify"] = alone("verify", run.path)
    finally:
        shutil.rmtree(folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", type=int, default=10_000_000)
    parser.add_argument("--report", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/measure.json"))
    parser.add_argument("--act", nargs=2, metavar=("ACT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.act:
        act(options.act[0], Path(options.act[1]))
        return
    found = everything(options.measure, options.report)
    found |= {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written: {options.json}")
    if not all(within(name, found[name]) for name in LIMITS):
        sys.exit(1)


if __name__ == "__main__":
    main()
