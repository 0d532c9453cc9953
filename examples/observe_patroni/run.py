"""Measure what Patroni does: two planned switchovers, then the leader's host is lost.

    python examples/observe_patroni/run.py [--fast] [--evidence DIR] [--json FILE]

Each outage is measured twice: by blackstart from outside, with bounds, and by a plain writer at each
server. Exits 1 where the two do not agree, 3 where they cannot be compared. Takes about two minutes, one
with --fast (Patroni's shortest timings). Leaves nothing running.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from agreement import agreement, seen  # noqa: E402
from cluster import FAST, NODES, SLOW, Cluster, build, install  # noqa: E402
from reading import outage, tries, unconfirmed  # noqa: E402

from drills import drill  # noqa: E402
from drills.closing import Closed  # noqa: E402
from drills.preview import preview  # noqa: E402
from sites.errors import BlackstartError  # noqa: E402

sys.path.append(str(HERE.parent / "trading_desk"))
from ports import free_ports  # noqa: E402

PROGRAMS = Path("/var/tmp/blackstart-patroni")  # noqa: S108 - where PostgreSQL's user can read it; see own()
SWITCH_AFTER_SECONDS = 2.0


@contextmanager
def cluster(evidence: Path, *, fast: bool) -> Iterator[Cluster]:
    """Two nodes that are up and in step; gone afterwards."""
    own(PROGRAMS)
    install(PROGRAMS)
    folder = Path(tempfile.mkdtemp(prefix="blackstart-observed-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        built = build(folder, PROGRAMS, evidence, free_ports(6), FAST if fast else SLOW)
        try:
            built.up()
            with written_beside(built):
                yield built
        finally:
            built.down()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own(folder: Path) -> None:
    """Make it, or see that it is ours alone to write: programs in it are run. Raises BlackstartError."""
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise BlackstartError(f"{folder} is not ours alone", hint="remove it, then run this again")


@contextmanager
def written_beside(built: Cluster) -> Iterator[None]:
    """A plain writer at each node, whose rows are the other reading of every outage."""
    password = (built.folder / "password").read_text()
    writers = []
    for port, log in logs(built).items():
        argv = [sys.executable, str(HERE / "writer.py"), str(port), str(log)]
        writers.append(subprocess.Popen(argv, stdin=subprocess.PIPE, text=True))
        with writers[-1].stdin as told:
            told.write(password)
    try:
        yield
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def logs(built: Cluster) -> dict[int, Path]:
    """What the writer at each port tells of every row it tried."""
    ports = [int(built.variables[f"{letter}_PORT"]) for letter in NODES.values()]
    return {port: built.folder / f"written-{port}.log" for port in ports}


def observe(built: Cluster, name: str, when_steady: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Run a drill; `when_steady` is called a moment after the service was found steady."""

    def tell(said: str) -> None:
        print(f"  {said}", file=sys.stderr, flush=True)
        if said.startswith("Steady"):
            threading.Timer(SWITCH_AFTER_SECONDS, when_steady).start()

    estate, since_ns = built.estate(), time.monotonic_ns()
    confirm = preview(estate, name).confirm
    closed = drill.run(estate, name, environment="demo", confirm=confirm, tell=tell)
    return figures(built, name, closed, since_ns)


def figures(built: Cluster, name: str, closed: Closed, since_ns: int) -> dict[str, Any]:
    (time_,) = closed.report["recovery_times"]
    (point,) = closed.report["recovery_points"]
    ledger = seen(closed.folder / "ledger.jsonl")
    reading = outage(tries(logs(built).values(), since_ns, ledger.b + 1_000_000_000), ledger.late)
    leader = NODES[built.leader() or "node-b"]
    password = (built.folder / "password").read_text()
    killed = built.estate().plan.drills[name].fault.kind != "none"
    objection = unconfirmed(reading, int(built.variables[f"{leader}_PORT"]), password, killed=killed)
    found = agreement(ledger, reading)
    return {
        "drill": name,
        "verdict": closed.verdict,
        "reasons": closed.report["reasons"],
        "lower_seconds": time_["lower_seconds"],
        "upper_seconds": time_["upper_seconds"],
        "gap_seconds": reading.gap_ns / 1e9,
        "begin_width_ms": reading.stopped.width_ns / 1e6,
        "end_width_ms": reading.back.width_ns / 1e6,
        "off_ms": {end: off / 1e6 for end, off in found.offs.items()},
        "length_off_ms": found.length_off / 1e6,
        "interval_ms": ledger.interval / 1e6,
        "agreement": "not comparable" if objection else found.word,
        "why": [*([objection] if objection else []), *found.incomparable, *found.disagreements],
        "acknowledged": point["acknowledged_count"],
        "lost": len(point["lost"]),
    }


def rounds(built: Cluster) -> Iterator[dict[str, Any]]:
    for leader, candidate in (("node-a", "node-b"), ("node-b", "node-a")):
        yield observe(built, "watch-switchover", lambda a=leader, b=candidate: built.switch_over(a, b))
        built.wait_until_in_step()
        if built.leader() != candidate:
            raise BlackstartError(f"{candidate} does not lead: the switchover did not take place")
    yield observe(built, "kill-leader")


COLUMNS = (
    "drill",
    "measured RTO (RTA)",
    "the rows' gap",
    "known to, begin / end",
    "off at begin",
    "off at end",
    "upper - gap",
    "lost",
    "verdict",
    "the two",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def row(found: dict[str, Any]) -> str:
    off = {end: f"{ms:+.1f}" for end, ms in found["off_ms"].items()}
    cells = (
        found["drill"],
        f"{found['lower_seconds']:.3f} to {found['upper_seconds']:.3f} s",
        f"{found['gap_seconds']:.3f} s",
        f"{found['begin_width_ms']:.1f} / {found['end_width_ms']:.1f} ms",
        f"{off['serving']} / {off['gone']} ms",
        f"{off['s']} / {off['b']} ms",
        f"{found['length_off_ms']:+.1f} ms",
        f"{found['lost']} of {found['acknowledged']}",
        found["verdict"],
        found["agreement"],
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="Patroni's shortest timings")
    parser.add_argument("--evidence", type=Path, default=Path("evidence-patroni"))
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    try:
        with cluster(options.evidence.absolute(), fast=options.fast) as built:
            found = list(rounds(built))
    except BlackstartError as error:
        sys.exit(f"{error}" + (f"\nhint: {error.hint}" if error.hint else ""))
    print(HEAD)
    print("\n".join(map(row, found)))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    for each in found:
        for why in each["why"]:
            print(f"{each['drill']}: {each['agreement']}: {why}", file=sys.stderr)
    words = {each["agreement"] for each in found}
    sys.exit(1 if "does not agree" in words else 3 if "not comparable" in words else 0)


if __name__ == "__main__":
    main()
