"""What the engine itself costs: a runbook of 1,000 services, whose 5,000 steps do nothing but start and end.

    python -m benchmarks.runbook [--services 1000] [--json FILE]

preview     `blackstart failover --preview` as a user types it, the interpreter's start included
engine      per step: the order, the threads and the journal, fsynced before and after each one
fsync       the same two fsynced lines with nothing around them: the floor of this disk
document    `blackstart report --runbook`, as Markdown and as HTML
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from flows.recovery.runbook import document, rendered
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.journal import Journal
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import Engine, Step, in_order

BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
OWN_STEPS = 2  # of each service: with its start, its redirect and its gate, five
LIMIT_STEP_MS, LIMIT_PREVIEW_SECONDS = 2.0, 2.0


def plan_of(services: int) -> bytes:
    """Chains of ten services that need each other, side by side."""
    sleeper = {"command": ["sleep", "600"], "autostart": False}
    names = [f"service-{number:04d}" for number in range(services)]
    sites = {
        name: {"kind": "processes", "path": name, "processes": dict.fromkeys(names, sleeper)}
        for name in ("here", "there")
    }
    declared: dict[str, Any] = {
        name: {
            "process": name,
            "needs": [names[number - 1]] if number % 10 else [],
            "redirect": {"kind": "command", "command": ["true"], "status": ["true"]},
            "gate": {"command": ["true"]},
        }
        for number, name in enumerate(names)
    }
    own = {
        f"{name}-{number}": {"do": ["true"], "after": [f"redirect {name}"]}
        for name in names
        for number in range(OWN_STEPS)
    }
    failover = {"from": "here", "to": "there", "decide": "approval", "steps": own}
    plan = {
        "name": "large",
        "environment": "bench",
        "sites": sites,
        "services": declared,
        "failover": failover,
    }
    return yaml.safe_dump(plan, sort_keys=False).encode()


def empty(step: Step) -> Step:
    return replace(step, do=lambda _limit_seconds: {}, done=lambda: False)


def engine_seconds(steps: list[Step], folder: Path) -> float:
    with Journal(folder / f"{time.monotonic_ns()}.jsonl") as journal:
        began = time.perf_counter()
        run = Engine(steps, journal, lambda *_: None).run()
        took = time.perf_counter() - began
    assert run.complete, run
    return took


def fsync_seconds(lines: int, folder: Path) -> float:
    fd = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    began = time.perf_counter()
    for _ in range(lines):
        os.write(fd, b"x" * 100 + b"\n")
        os.fsync(fd)
    took = time.perf_counter() - began
    os.close(fd)
    return took


def preview_seconds(path: Path) -> float:
    began = time.perf_counter()
    argv = [BLACKSTART, "failover", "--preview", "--plan", str(path)]
    done = subprocess.run(argv, check=True, capture_output=True)
    took = time.perf_counter() - began
    assert done.stdout.count(b"by hand") >= 1
    return took


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/runbook.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room)
        path = folder / "plan.yaml"
        path.write_bytes(plan_of(options.services))
        estate = Estate(read_plan(path, path.read_bytes(), {}))
        steps = [empty(step) for step in in_order(runbook_of(estate, lambda *_: None))]
        preview = [preview_seconds(path) for _ in range(options.runs)]
        engine = [engine_seconds(steps, folder) / len(steps) * 1000 for _ in range(options.runs)]
        floor = [fsync_seconds(2 * len(steps), folder) / len(steps) * 1000 for _ in range(options.runs)]
        began = time.perf_counter()
        made = document(estate)
        pages = {form: len(rendered(made, form)) for form in ("md", "html")}
        written = time.perf_counter() - began
    found = {
        "services": options.services,
        "steps": len(steps),
        "preview_seconds": preview,
        "engine_ms_per_step": engine,
        "fsync_floor_ms_per_step": floor,
        "document_seconds": written,
        "document_bytes": pages,
        "load": os.getloadavg()[0],
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}",
    }
    for name, values in (("preview, s", preview), ("engine, ms a step", engine), ("fsync, ms a step", floor)):
        print(f"{name:18} median {statistics.median(values):.3f}  [{min(values):.3f} to {max(values):.3f}]")
    print(f"document, s        {written:.3f} for {len(steps)} steps, {pages['html']:,} bytes of HTML")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written: {options.json}")
    held = statistics.median(engine) <= LIMIT_STEP_MS and statistics.median(preview) <= LIMIT_PREVIEW_SECONDS
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
