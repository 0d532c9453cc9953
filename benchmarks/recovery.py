"""From the kill of the primary to the first acknowledged order of the other site, on the trading desk.

    python -m benchmarks.recovery [--runs 10] [--json FILE]

Each run builds a desk, protects it and drills it; the figures are read from its ledger. A client sees the
first acknowledgement some time after the promotion alone, which is measured in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.desks import ledger, running_desk


def one_run() -> dict[str, Any]:
    """Seconds from the kill to each milestone and to the first acknowledged order, and the run's verdict."""
    folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with running_desk(folder) as desk:
            run = desk.drill()
            return {"verdict": run.verdict, "load": os.getloadavg()[0], **milestones(ledger(run))}
    finally:
        shutil.rmtree(folder)


def milestones(records: list[dict[str, Any]]) -> dict[str, float]:
    events: dict[str, int] = {}
    for record in records:
        if record["kind"] == "event":
            events.setdefault(record["event"], record["ns"])
    killed = events["fault_begin"]
    answered = [
        record["completed_ns"]
        for record in records
        if record["kind"] == "operation"
        and record["stream"] == "orders"
        and record["outcome"] == "acknowledged"
        and record["sent_ns"] > events["fault_end"]
    ]
    seen = {**events, "first_acknowledged": min(answered)}
    names = (
        "fault_end",
        "detected",
        "fenced",
        "promoted",
        "started",
        "redirected",
        "first_acknowledged",
        "safe",
    )
    return {f"{name}_seconds": (seen[name] - killed) / 1e9 for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/recovery.json"))
    options = parser.parse_args()
    runs = []
    for number in range(options.runs):
        runs.append(one_run())
        print(
            f"run {number + 1}: first order after {runs[-1]['first_acknowledged_seconds']:.3f} s", flush=True
        )
    names = [name for name in runs[0] if name.endswith("_seconds")]
    medians = {name: statistics.median(run[name] for run in runs) for name in names}
    for name, median in medians.items():
        low, high = min(run[name] for run in runs), max(run[name] for run in runs)
        print(f"{name:28} median {median:.3f}  [{low:.3f} to {high:.3f}]")
    result = {"runs": runs, "medians": medians, "cpus": os.cpu_count(), "python": platform.python_version()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
