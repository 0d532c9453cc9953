"""How long it takes to report on a drill of a million operations, to verify it, to show a thousand drills.

python -m benchmarks.reports [--operations 1000000] [--drills 1000] [--json FILE]

Each part runs in a process of its own, so that its memory is its own; the goals are beside the figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rto_rpo.controls.profile import profile, shipped
from rto_rpo.evidence.agreed.charter import Cell, charter
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.files import inventory
from rto_rpo.evidence.keeping.run_folder import folder_name
from rto_rpo.evidence.lines.line import CHAIN_SCHEMA, FIRST_PREV, build, line_hash
from rto_rpo.evidence.lines.signature import new_key
from rto_rpo.report.document import document, to_json
from rto_rpo.report.forms.html import html
from rto_rpo.website.build import build as build_site
from tests.rto_rpo.evidence.folders import add_run, agreed
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_run

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
# as many as a plan with three kinds of dataset has
CELLS = tuple(
    Cell(fault=fault, site="processes", dataset=dataset)
    for fault in (
        "kill_site",
        "kill_service",
        "stop_service",
        "pause_site",
        "partition",
        "shell",
        "fill_disk",
    )
    for dataset in ("files", "postgres", "sqlite", "none")
)
GOALS_SECONDS = {"report": 10, "verify": 15, "site_first": 60, "site_one_more": 5}
REPORT_BYTES_MAX = 300 * 10**6


def timed(what: Callable[[], object]) -> dict[str, float]:
    """Seconds, and the most memory that this process ever held (getrusage would count its parent's, too)."""
    began, cpu = time.perf_counter(), time.process_time()
    what()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "memory_bytes_max": int(peak[1]) * 1024 if peak else float("nan"),
    }


def one_report(folder: Path) -> None:
    content = document(folder / "ledger.jsonl", (folder / "plan.yaml").read_bytes())
    (folder / "report.json").write_bytes(to_json(content))
    (folder / "report.html").write_text(html(content))


def verified(evidence: Path) -> None:
    found = verify(evidence)
    assert found.intact, found.findings


def site(evidence: Path, to: Path) -> None:
    now = NOW + timedelta(days=2000)
    build_site(evidence, to, now=now, profiles=[profile(name) for name in shipped()])


PARTS: dict[str, Callable[..., None]] = {"report": one_report, "verify": verified, "site": site}


def apart(part: str, *paths: Path) -> dict[str, float]:
    """The part in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.reports", "--part", part, *map(str, paths)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


class Growing:
    """An evidence folder of many runs, its chain written straight on."""

    def __init__(self, root: Path) -> None:
        self._root, self._seq, self._prev = root, 0, FIRST_PREV
        self._before: str | None = None
        root.mkdir()

    def add(self, number: int) -> None:
        kind = INCONCLUSIVE if number % 50 == 7 else MISSED if number % 10 == 3 else MET
        run = replace(kind, number=number + 1)
        now = NOW + timedelta(days=number)
        path = self._root / folder_name(now, run.drill, run.run)
        write_run(path, run)
        frozen = self._charter(run)
        (path / "charter.json").write_bytes(frozen)
        content = document(path / "ledger.jsonl", run.plan, frozen)
        (path / "report.json").write_bytes(to_json(content))
        self._line(now, run, path, kind="opened", charter_sha256=hashlib.sha256(frozen).hexdigest())
        closed = {"source": "drill", "verdict": content["verdict"], "files": inventory(path)}
        self._line(now + timedelta(minutes=1), run, path, kind="closed", **closed)

    def _charter(self, run: Run) -> bytes:
        told = agreed(run, schedules={run.drill: "0 6 * * *"}, cells=CELLS, tries=CELLS[:1])
        before, self._before = self._before, run.run
        return charter(
            told,
            run=run.run,
            plan=run.plan_name,
            drill=run.drill,
            previous_run=before,
            changes=[] if before else None,
            head_before=self._prev,
        ).json_bytes()

    def _line(self, now: datetime, run: Run, path: Path, **other: object) -> None:
        line = build(
            {
                "schema": CHAIN_SCHEMA,
                "seq": self._seq,
                "prev": self._prev,
                "utc": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "key": None,
                "signature": None,
                "run": run.run,
                "drill": run.drill,
                "plan": run.plan_name,
                "plan_sha256": inventory(path)["plan.yaml"],
                "folder": path.name,
                **other,
            }
        )
        with (self._root / "chain.jsonl").open("ab") as file:
            file.write(line.raw())
        self._seq, self._prev = self._seq + 1, line_hash(line.raw())


def measure(operations: int, drills: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="blackstart-bench-") as name:
        folder = Path(name)
        seconds = operations / 2 * 0.001
        run = replace(MET, interval_seconds=0.001, end_at_seconds=seconds - 2)
        write_run(folder / "long", run)
        found = {"report": apart("report", folder / "long")}
        shutil.rmtree(folder / "long")
        add_run(folder / "one", run, new_key(folder / "key.pem"), agreed(run))
        found["verify"] = apart("verify", folder / "one")
        shutil.rmtree(folder / "one")
        evidence = Growing(folder / "evidence")
        for number in range(drills):
            evidence.add(number)
        found["site_first"] = apart("site", folder / "evidence", folder / "site")
        evidence.add(drills)
        found["site_one_more"] = apart("site", folder / "evidence", folder / "site")
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--drills", type=int, default=1_000)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/reports.json"))
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("paths", type=Path, nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(timed(lambda: PARTS[options.part](*options.paths))))
        return
    found = measure(options.operations, options.drills)
    for name, one in found.items():
        memory = one["memory_bytes_max"] / 2**20
        taken = f"{one['seconds']:7.2f} s ({one['cpu_seconds']:.2f} s of one core)"
        print(f"{name:14} {taken}  {memory:6.0f} MiB  (goal: at most {GOALS_SECONDS[name]} s)")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "operations": options.operations,
        "drills": options.drills,
        "goals_seconds": GOALS_SECONDS,
        "measured": found,
    }
    options.json.write_text(json.dumps(content, indent=2) + "\n")
    print(f"written: {options.json}")
    slow = [name for name, one in found.items() if one["seconds"] > GOALS_SECONDS[name]]
    if slow or found["report"]["memory_bytes_max"] > REPORT_BYTES_MAX:
        sys.exit(f"beyond its goal: {', '.join(slow) or 'the memory of a report'}")


if __name__ == "__main__":
    main()
