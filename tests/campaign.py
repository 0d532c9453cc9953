"""The long proofs, whole: `python -m tests.campaign`. Resumable, also in slices.

Each test marked `campaign` is run by itself; how it ended is in docs/proof.json, from which docs/proof.md is.
A proof holds while nothing changes that its test can reach (`tests.reach`); one that holds is not run again,
so that a campaign that was cut off goes on from there. What was skipped proves nothing, and what was run at
an older state says so. Exit codes: 0 all passed, 1 something failed, 3 something was skipped or not run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

from tests.proof import Proof, now, told
from tests.reach import state

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "proof.json"
PROOF = ROOT / "docs" / "proof.md"
SECONDS_MAX = 3600
NOT_THE_CODE = (":!docs/proof.json", ":!*.md")  # a change of these takes no proof away


def main() -> int:
    wanted = _arguments()
    if _git("status", "--porcelain", "--untracked-files=no", "--", ".", *NOT_THE_CODE):
        sys.exit("campaign: there are uncommitted changes; commit them, or the proof is of nothing")
    commit = _git("log", "-1", "--format=%h", "--abbrev=12", "--", ".", *NOT_THE_CODE)
    nodes, results = _collect(), _load()
    results = {node: results[node] for node in nodes if node in results}
    states = _states(nodes)
    left = [
        node for node in nodes if wanted.only in node and now(results.get(node), states[node]) != "passed"
    ]
    end = time.monotonic() + wanted.seconds
    for number, node in enumerate(left, 1):
        if time.monotonic() >= end:
            break
        print(f"[{number}/{len(left)}] {node}", flush=True)
        results[node] = _run(node, commit, states[node])
        _write(RESULTS, json.dumps({n: r.as_json() for n, r in sorted(results.items())}, indent=1) + "\n")
    _write(PROOF, told(nodes, results, states))
    return _conclude([now(results.get(node), states[node]) for node in nodes])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description="the long proofs, whole")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no test after so long")
    parser.add_argument("--only", default="", help="only tests with this in their names")
    return parser.parse_args()


def _collect() -> list[str]:
    done = _pytest("--collect-only", "-q", "-m", "campaign")
    nodes = [line for line in done.stdout.splitlines() if "::" in line]
    if done.returncode or not nodes:
        sys.exit(f"campaign: nothing could be collected\n{done.stdout}{done.stderr}")
    return nodes


def _states(nodes: list[str]) -> dict[str, str]:
    """Of each node, what its proof rests on as it is now."""
    kept = blobs()
    of_test = {test: state(ROOT, test, kept) for test in {node.partition("::")[0] for node in nodes}}
    return {node: of_test[node.partition("::")[0]] for node in nodes}


def blobs() -> dict[str, str]:
    """The ids of the contents of all files that are kept, by path."""
    lines = (line.split("\t") for line in _git("ls-files", "--stage").splitlines())
    return {path: about.split()[1] for about, path in lines}


def _run(node: str, commit: str, rests_on: str) -> Proof:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "junit.xml"
        words = ("-q", "-s", "-m", "campaign", "--timeout", str(SECONDS_MAX), f"--junitxml={record}", node)
        done = _pytest(*words)
        outcome = outcome_of(record.read_text()) if record.exists() and done.returncode == 0 else "failed"
    if outcome == "failed":
        print((done.stdout + done.stderr)[-4000:], flush=True)
    said = [line.removeprefix("proof: ") for line in done.stdout.splitlines() if line.startswith("proof: ")]
    return Proof(outcome, commit, rests_on, round(time.monotonic() - began, 1), said)


def outcome_of(record: str) -> str:
    """Of the one test in pytest's own record; none, or several, is a failure."""
    cases = list(ElementTree.fromstring(record).iter("testcase"))  # noqa: S314 - pytest has just written it
    if len(cases) != 1:
        return "failed"
    ended = {child.tag for child in cases[0]}
    return "failed" if ended & {"failure", "error"} else "skipped" if "skipped" in ended else "passed"


def _conclude(outcomes: list[str]) -> int:
    counts = {each: outcomes.count(each) for each in ("passed", "failed", "skipped")}
    counts["not run"] = len(outcomes) - sum(counts.values())
    print(", ".join(f"{count} {each}" for each, count in counts.items()) + f"; written: {PROOF}")
    return 1 if counts["failed"] else 3 if counts["skipped"] or counts["not run"] else 0


def _pytest(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def _git(*words: str) -> str:
    argv = ["git", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _load() -> dict[str, Proof]:
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return {node: Proof(**one) for node, one in found.items()}


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(f".new-{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
