"""How long clients are without service, side by side: by hand, blackstart, Patroni, repmgr.

    python -m benchmarks.failover [--runs 10] [--only NAME]... [--fault FAULT]... [--again] [--json FILE]

silence     every packet of the primary's host is dropped; later they pass again. Needs root
freeze      every process of it stands still: connections are accepted, nothing is answered; later they go on
refusal     every process is killed: the kernel answers for them
switchover  planned, both sides well

From the fault to the first row that a tight writer has acknowledged by the other server; of a switchover,
from the last row of the one server to the first of the other. Rounds are added to the JSON file one by
one, so that a run that was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.failover.contest import FAULTS, Contender, Fault, run
from benchmarks.failover.lost import apart, go_apart
from benchmarks.failover.pairs import Blackstart, ByHand
from benchmarks.failover.patroni import Patroni, ready
from benchmarks.failover.repmgr import Repmgr, install
from benchmarks.failover.table import holds, told
from sites.errors import BlackstartError

CONTENDERS: dict[str, Callable[[], Contender]] = {
    "by hand": ByHand,
    "blackstart": lambda: Blackstart("blackstart"),
    "patroni, shortest": lambda: Patroni("patroni, shortest", shortest=True),
    "patroni, defaults": lambda: Patroni("patroni, defaults", shortest=False),
    "repmgr, tuned": lambda: Repmgr("repmgr, tuned", attempts=3),
    "repmgr, shortest": lambda: Repmgr("repmgr, shortest", attempts=1),
}


def compete(names: list[str], faults: list[str], runs: int, path: Path) -> None:
    """Add rounds, in turns, until there are so many of each contender and fault."""
    with ExitStack() as over:
        contenders = [CONTENDERS[name]() for name in names]
        for contender in contenders:
            over.callback(contender.close)
        for number in range(1, runs + 1):
            for contender in contenders:
                for fault in contender.faults:
                    if fault in faults and len(rounds(path, contender.name, fault)) < number:
                        one(contender, fault, path)


def one(contender: Contender, fault: Fault, path: Path) -> None:
    try:
        found = run(contender, fault)
    except BlackstartError as error:
        print(f"{contender.name}: {fault}: not measured: {error}", flush=True)
        return
    add(path, contender, fault, asdict(found))
    seconds = "never" if found.seconds is None else f"{found.seconds:.3f} s"
    thawed = "" if found.after_thaw is None else f", {found.after_thaw} after the thaw"
    print(
        f"{contender.name}: {fault}: {seconds}, lost {found.lost} of "
        f"{found.acknowledged}{thawed}; load {found.load:.1f}",
        flush=True,
    )


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"settings": {}, "rounds": {}}
    return found


def rounds(path: Path, name: str, fault: str) -> list[dict[str, Any]]:
    return list(read(path)["rounds"].get(f"{name} / {fault}", []))


def add(path: Path, contender: Contender, fault: str, found: dict[str, Any]) -> None:
    whole = read(path)
    whole["settings"][contender.name] = contender.setting
    budget = getattr(contender, "silence_budget_seconds", None)
    if budget is not None:
        whole.setdefault("silence_budget_seconds", {})[contender.name] = budget
    found["utc"] = datetime.now(UTC).isoformat(timespec="seconds")
    whole["rounds"].setdefault(f"{contender.name} / {fault}", []).append(found)
    whole |= {"cpus": os.cpu_count(), "python": platform.python_version(), "linux": platform.release()}
    keep(path, whole)


def keep(path: Path, whole: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".new").write_text(json.dumps(whole, indent=1) + "\n")
    path.with_suffix(".new").replace(path)


def forget(path: Path, names: list[str], faults: list[str]) -> None:
    whole = read(path)
    for name in names:
        for fault in faults:
            whole["rounds"].pop(f"{name} / {fault}", None)
    keep(path, whole)


def fetch(names: list[str]) -> None:
    """What is installed comes from a network, which there is none of later."""
    for peer, get in (("patroni", ready), ("repmgr", install)):
        if any(name.startswith(peer) for name in names):
            try:
                get()
            except BlackstartError as error:
                print(f"{peer}: not there: {error}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS))
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--again", action="store_true", help="forget the rounds that are there")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/failover.json"))
    options = parser.parse_args()
    names, faults = options.only or list(CONTENDERS), options.fault or list(FAULTS)
    if not apart():
        fetch(names)
    go_apart()
    if options.again:
        forget(options.json, names, faults)
    compete(names, faults, options.runs, options.json)
    whole = read(options.json)
    print("\n".join(told(whole, statistics.median)))
    return 0 if holds(whole, statistics.median) else 1


if __name__ == "__main__":
    sys.exit(main())
