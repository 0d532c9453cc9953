"""The long proofs, whole: `python -m tests.campaign`. Resumable; writes docs/proof.md.

Every test marked `campaign` is run by itself. What has passed at this commit is not run again, so that a
campaign that was cut off goes on where it was.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".blackstart" / "campaign.json"
PROOF = ROOT / "docs" / "proof.md"
SECONDS_MAX = 3600


def main() -> int:
    commit = _git("rev-parse", "HEAD")
    if _git("status", "--porcelain", "--untracked-files=no"):
        sys.exit("campaign: there are uncommitted changes; commit them, or the proof is of nothing")
    results = _load(commit)
    nodes = _collect()
    for number, node in enumerate(nodes, 1):
        if results.get(node, {}).get("passed"):
            continue
        print(f"[{number}/{len(nodes)}] {node}", flush=True)
        results[node] = _run(node)
        _save(commit, results)
    PROOF.write_text(_report(commit, {node: results[node] for node in nodes}))
    failed = [node for node in nodes if not results[node]["passed"]]
    print(f"{len(nodes) - len(failed)} passed, {len(failed)} failed; written: {PROOF.relative_to(ROOT)}")
    return 1 if failed else 0


def _collect() -> list[str]:
    done = _pytest("--collect-only", "-q", "-m", "campaign")
    nodes = [line for line in done.stdout.splitlines() if "::" in line]
    if done.returncode or not nodes:
        sys.exit(f"campaign: nothing could be collected\n{done.stdout}{done.stderr}")
    return nodes


def _run(node: str) -> dict[str, Any]:
    began = time.monotonic()
    done = _pytest("-q", "-s", "-m", "campaign", "--timeout", str(SECONDS_MAX), node)
    said = [line.removeprefix("proof: ") for line in done.stdout.splitlines() if line.startswith("proof: ")]
    passed = done.returncode == 0
    if not passed:
        print(done.stdout[-4000:], flush=True)
    return {"passed": passed, "seconds": time.monotonic() - began, "said": said, "load": os.getloadavg()[0]}


def _pytest(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def _git(*words: str) -> str:
    argv = ["git", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _load(commit: str) -> dict[str, Any]:
    if not STATE.exists():
        return {}
    saved = json.loads(STATE.read_text())
    return dict(saved["results"]) if saved["commit"] == commit else {}


def _save(commit: str, results: dict[str, Any]) -> None:
    STATE.parent.mkdir(exist_ok=True)
    temporary = STATE.with_suffix(".new")
    temporary.write_text(json.dumps({"commit": commit, "results": results}, indent=1))
    temporary.replace(STATE)


def _report(commit: str, results: dict[str, Any]) -> str:
    groups: dict[str, list[dict[str, Any]]] = {}
    for node, result in results.items():
        groups.setdefault(node.partition("[")[0], []).append(result)
    head = (
        f"Written by `make campaign` on {datetime.now(UTC):%Y-%m-%d}, commit `{commit[:12]}`; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}. "
        "The seeds are those in the tests. `make test` runs a small sample of each."
    )
    table = ["| proof | runs | passed | seconds | figures |", "|---|---|---|---|---|"]
    rows = [_row(test, runs) for test, runs in groups.items()]
    return "\n".join(["# The long proofs", "", head, "", *table, *rows, ""])


def _row(test: str, runs: list[dict[str, Any]]) -> str:
    passed, seconds = sum(run["passed"] for run in runs), sum(run["seconds"] for run in runs)
    said = "; ".join(dict.fromkeys(line for run in runs for line in run["said"])) or "-"
    return f"| `{test}` | {len(runs)} | {passed} | {seconds:.0f} | {said} |"


if __name__ == "__main__":
    sys.exit(main())
