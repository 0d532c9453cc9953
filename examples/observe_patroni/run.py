"""Measure what Patroni does: two planned switchovers, then the leader's host is lost.

    python examples/observe_patroni/run.py [--fast] [--evidence DIR] [--json FILE]

Each outage is measured twice: by blackstart from outside, with bounds, and by the rows of a plain writer
beside it. Exits 1 where the two do not agree. Takes about two minutes, one with --fast (Patroni's shortest
timings). Leaves nothing running.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from agreement import agreement, seen  # noqa: E402
from cluster import FAST, NODES, SLOW, Cluster, build, install  # noqa: E402
from reading import read  # noqa: E402

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
    """A plain writer of its own, whose rows are the other reading of every outage."""
    ports = [built.variables[f"{letter}_PORT"] for letter in NODES.values()]
    with (built.folder / "password").open() as password:
        writer = subprocess.Popen([sys.executable, HERE / "writer.py", *ports], stdin=password)
    try:
        yield
    finally:
        writer.kill()
        writer.wait()


def observe(built: Cluster, name: str, when_steady: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Run a drill; `when_steady` is called a moment after the service was found steady."""

    def tell(said: str) -> None:
        print(f"  {said}", file=sys.stderr, flush=True)
        if said.startswith("Steady"):
            threading.Timer(SWITCH_AFTER_SECONDS, when_steady).start()

    estate, since = built.estate(), datetime.now(UTC)
    confirm = preview(estate, name).confirm
    closed = drill.run(estate, name, environment="demo", confirm=confirm, tell=tell)
    return figures(built, name, closed, since)


def figures(built: Cluster, name: str, closed: Closed, since: datetime) -> dict[str, Any]:
    (time,) = closed.report["recovery_times"]
    (point,) = closed.report["recovery_points"]
    leader = NODES[built.leader() or "node-b"]
    password = (built.folder / "password").read_text()
    reading = read(int(built.variables[f"{leader}_PORT"]), password, since)
    found = agreement(seen(closed.folder / "ledger.jsonl"), reading)
    return {
        "drill": name,
        "verdict": closed.verdict,
        "reasons": closed.report["reasons"],
        "lower_seconds": time["lower_seconds"],
        "upper_seconds": time["upper_seconds"],
        "database_seconds": reading.gap_seconds,
        "begin_off_seconds": found.begin_off,
        "end_off_seconds": found.end_off,
        "disagreements": found.disagreements,
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


def row(found: dict[str, Any]) -> str:
    lower, upper, gap = (found[f"{name}_seconds"] for name in ("lower", "upper", "database"))
    measured = f"{lower:.3f} to {upper:.3f} s" if upper is not None else f"at least {lower:.3f} s"
    off = " / ".join(f"{found[f'{end}_off_seconds'] * 1000:+.1f}" for end in ("begin", "end")) + " ms"
    lost = f"{found['lost']} of {found['acknowledged']}"
    return f"| {found['drill']} | {measured} | {gap:.3f} s | {off} | {lost} | {found['verdict']} |"


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
    print("| drill | measured RTO (RTA) | the writer's rows | off at begin / end | lost | verdict |")
    print("|---|---|---|---|---|---|")
    print("\n".join(row(each) for each in found))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    said = [f"{each['drill']}: {why}" for each in found for why in each["disagreements"]]
    if said:
        sys.exit("blackstart and the database's own reading do not agree:\n  " + "\n  ".join(said))


if __name__ == "__main__":
    main()
