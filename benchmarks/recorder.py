"""The recorder at 1,000 operations a second: does it keep its schedule, and does it stay small?

    python -m benchmarks.recorder [--seconds 600] [--rate 1000] [--json FILE]

It writes to a small service on this machine, a new connection an operation. Nothing is injected: the judge
then looks for a void stretch from the first operation to the last. Memory is that of the recorder's process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from drills.recorder.config import RecorderConfig, StreamConfig
from drills.recording import Recording, start
from rto_rpo import JUDGE
from rto_rpo.measure import measure
from sites.drivers.http.client import HttpCanary

RUN = "cccccccc-0000-4000-8000-000000000000"
S = 10**9


def configuration(folder: Path, endpoint: str, rate: int, seconds: float) -> RecorderConfig:
    judged = {"subject": "gateway", "objective": "rto", "seconds": 30.0, "stream": "orders"}
    drill = {"name": "rate", "kind": "live", "environment": "benchmark", "respond": "observe"}
    header = {
        "judge": JUDGE,
        "run": RUN,
        "plan": {"name": "benchmark", "sha256": "0" * 64, "variables": {}},
        "drill": {**drill, "fault": {"kind": "none"}},
        "judged": [judged],
        "not_tested": [],
    }
    stream = StreamConfig(
        name="orders",
        address=endpoint,
        dataset="orders",
        service="gateway",
        interval_ns=S // rate,
        limit_ns=2 * S,
        client=HttpCanary(endpoint),
    )
    return RecorderConfig(
        folder=folder,
        header=header,
        streams=(stream,),
        stable_ns=S,
        deadline_ns=round((seconds + 60) * S),
        read_back_ns=120 * S,
        seed=7,
    )


def memory(pid: int) -> dict[str, int]:
    """MiB: what the process has now, and the most it ever had."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in text.splitlines() if line.startswith(("VmRSS", "VmHWM")))
    return {name: int(value.split()[0]) >> 10 for name, value in fields.items()}


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(recording: Recording, seconds: float) -> dict[str, Any]:
    """Freeze, let it write for so long, and look at its memory all along."""
    recording.wait_until(lambda state: state.steady, 60)
    late_ns = recording.freeze()
    for event in ("fault_begin", "fault_end"):
        recording.event(event)
    recording.event("fault_effective", detail={"holds": True, "how": "nothing was injected"})
    begun, used = time.monotonic(), cpu_seconds(recording.pid)
    samples = [memory(recording.pid)["VmRSS"]]
    while (left := begun + seconds - time.monotonic()) > 0:
        time.sleep(min(10.0, left))
        samples.append(memory(recording.pid)["VmRSS"])
    took = time.monotonic() - begun
    return {
        "late_seconds": late_ns / 1e9,
        "rss_mib": samples,
        "rss_mib_start": samples[0],
        "rss_mib_end": samples[-1],
        "cpu_share": (cpu_seconds(recording.pid) - used) / took,
        "load": os.getloadavg()[0],
    }


def record(folder: Path, rate: int, seconds: float) -> dict[str, Any]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.order_server"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            recording = start(configuration(folder, endpoint, rate, seconds))
            found = watch(recording, seconds)
            began = time.monotonic()
            recording.verify(limit_seconds=300)
            found["read_back_seconds"] = time.monotonic() - began
            found["rss_mib_read_back"] = memory(recording.pid)["VmHWM"]
            recording.finish("deadline", limit_seconds=300)
        finally:
            server.kill()
    return found


def judged(path: Path) -> dict[str, Any]:
    """What the ledger itself says: was any stretch void, and how late was anything sent?"""
    found = measure(path)
    [point] = found.recovery_points
    half_late_seconds = (found.late_ns or 0) / 2e9
    return {
        "void": found.void,
        # The judge looks only around an outage; this looks at every operation. A loop that stood still while
        # sending sent late, by as much; a stall beyond that came while reading back.
        "void_anywhere": (found.lag.sent_max_seconds or 0) > half_late_seconds,
        "operations": found.counts["operations"],
        "acknowledged": found.counts["acknowledged"],
        "stalls": found.counts["stalls"],
        "bad": sum(time.bad_count for time in found.recovery_times),
        "stall_max_seconds": found.lag.stall_max_seconds,
        "sent_p50_seconds": found.lag.sent_p50_seconds,
        "sent_p99_seconds": found.lag.sent_p99_seconds,
        "sent_max_seconds": found.lag.sent_max_seconds,
        "reading_complete": point.reading_complete,
        "reading_problem": found.reading_problems.get("orders"),
        "lost": len(point.lost),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/recorder.json"))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="blackstart-bench-", dir="/var/tmp"))
    try:
        found = record(folder, options.rate, options.seconds)
        found |= judged(folder / "ledger.jsonl")
    finally:
        shutil.rmtree(folder)
    found |= {"seconds": options.seconds, "rate": options.rate}
    found |= {"cpus": os.cpu_count(), "python": platform.python_version()}
    for name, value in found.items():
        if name != "rss_mib":
            print(f"{name:22} {value}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
