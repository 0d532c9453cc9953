"""Backup, copy and restore through blackstart beside raw restic, side by side in one run.

    python -m benchmarks.protection [--runs 3] [--json FILE] [--folder DIR]

The tree is 1 GiB in 2,000 files, half of them compressible, the same bytes every time. Each pass has fresh
repositories and an empty cache; the two ways take turns in going first. Figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import Restic
from sites.protection.backup import BackupResult, backup
from sites.protection.replication import replicate
from sites.protection.restore_test import restore_test
from sites.restore import restore_dataset

PASSWORD = "benchmark"  # noqa: S105  of repositories that live for minutes
FILES = 2_000
BYTES = 1 << 30


def make_tree(root: Path) -> None:
    """Files of 1/2 to 3/2 of the mean size, every second one compressible to about a third."""
    chance = random.Random(42)  # noqa: S311  the same bytes every time
    mean = BYTES // FILES
    for number in range(FILES):
        folder = root / f"{number // 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        size = mean // 2 + chance.randrange(mean)
        if number % 2:
            content = chance.randbytes(size)
        else:
            content = b"".join(chance.randbytes(341).ljust(1024, b"0") for _ in range(size // 1024 + 1))
        (folder / f"{number:04d}.bin").write_bytes(content)


class Pass:
    """One pass over the same tree: its own repositories and caches."""

    def __init__(self, folder: Path, templates: tuple[Path, Path], tree: Path) -> None:
        self.folder, self.tree = folder, tree
        self.dataset = FilesDataset("ticks", "primary", tree)
        self.repositories = {}
        for way in ("raw", "ours"):
            for name, template in zip(("onsite", "offsite"), templates, strict=True):
                url = shutil.copytree(template, folder / way / name)
                self.repositories[way, name] = Restic(
                    name, str(url), lambda: PASSWORD, host="bench", cache=folder / way / "cache"
                )

    def raw(self, name: str, *arguments: str) -> float:
        repository = self.repositories["raw", name]
        argv = ["restic", "-r", repository.url, "--cache-dir", str(repository.cache), "--json", *arguments]
        secrets = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_FROM_PASSWORD": PASSWORD, "RESTIC_PROGRESS_FPS": "2"}
        began = time.monotonic()
        subprocess.run(argv, env={**os.environ, **secrets}, check=True, capture_output=True)
        return time.monotonic() - began

    def raw_backup(self) -> float:
        return self.raw("onsite", "backup", "--host", "bench", str(self.tree))

    def raw_copy(self) -> float:
        return self.raw("offsite", "copy", "--from-repo", self.repositories["raw", "onsite"].url)

    def raw_restore(self) -> float:
        snapshot = self.repositories["raw", "offsite"].snapshots().snapshots[0]
        return self.raw("offsite", "restore", snapshot.id, "--target", str(self.folder / "raw" / "restored"))

    def our_backup(self) -> BackupResult:
        return backup(
            self.dataset, self.repositories["ours", "onsite"], plan="bench", staging=self.folder / "staging"
        )

    def our_copy(self) -> float:
        onsite, offsite = self.repositories["ours", "onsite"], self.repositories["ours", "offsite"]
        return replicate(onsite, offsite, plan="bench").seconds

    def our_restore(self) -> float:
        to = self.folder / "ours" / "restored"
        return restore_dataset(self.repositories["ours", "offsite"], "ticks", to).seconds

    def our_restore_test(self) -> float:
        scratch = self.folder / "scratch"
        began = time.monotonic()
        result = restore_test(self.dataset, self.repositories["ours", "offsite"], scratch)
        assert result.verdict == "met", result.reason
        return time.monotonic() - began


def one_pass(at: Pass, ours_first: bool) -> dict[str, float]:
    seconds: dict[str, float] = {}

    def both(name: str, raw: Callable[[], float], ours: Callable[[], float]) -> None:
        ways = [("raw", raw), ("ours", ours)]
        for way, act in reversed(ways) if ours_first else ways:
            os.sync()
            seconds[f"{name}_{way}"] = act()

    def our_backup(name: str) -> Callable[[], float]:
        def act() -> float:
            made = at.our_backup()
            seconds[f"{name}_manifest"] = made.manifest_seconds
            seconds[f"{name}_restic"] = made.restic_seconds
            return made.seconds

        return act

    both("backup", at.raw_backup, our_backup("backup"))
    both("unchanged", at.raw_backup, our_backup("unchanged"))
    both("copy", at.raw_copy, at.our_copy)
    both("restore", at.raw_restore, at.our_restore)
    seconds["restore_test_ours"] = at.our_restore_test()
    return seconds


def judge(passes: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """For each act: medians, what ours adds beside the manifest, and the ratio without it."""
    median = {name: statistics.median(one[name] for one in passes) for name in passes[0]}
    rows = {}
    for act in ("backup", "unchanged", "copy", "restore"):
        raw, ours, manifest = median[f"{act}_raw"], median[f"{act}_ours"], median.get(f"{act}_manifest", 0.0)
        rows[act] = {
            "raw_seconds": raw,
            "ours_seconds": ours,
            "manifest_seconds": manifest,
            "added_seconds": statistics.median(
                one[f"{act}_ours"] - one.get(f"{act}_manifest", 0.0) - one[f"{act}_raw"] for one in passes
            ),
            "ratio_without_manifest": (ours - manifest) / raw,
            "manifest_to_raw": manifest / raw,
        }
    rows["backup"]["own_overhead_seconds"] = statistics.median(
        one["backup_ours"] - one["backup_manifest"] - one["backup_restic"] for one in passes
    )
    rows["restore_test"] = {"ours_seconds": median["restore_test_ours"]}
    return rows


def show(rows: dict[str, dict[str, float]]) -> None:
    columns = {
        "raw": ("raw_seconds", ""),
        "ours": ("ours_seconds", ""),
        "manifest": ("manifest_seconds", ""),
        "added": ("added_seconds", "+"),
        "ratio": ("ratio_without_manifest", ""),
        "man/raw": ("manifest_to_raw", ""),
    }
    print(f"{'seconds':12}" + "".join(f"{title:>10}" for title in columns))
    for act, row in rows.items():
        if "raw_seconds" in row:
            print(f"{act:12}" + "".join(f"{row[key]:>{sign}10.2f}" for key, sign in columns.values()))
    print(
        f"a backup's own overhead beside restic and manifest: {rows['backup']['own_overhead_seconds']:.2f} s"
    )
    print(f"a whole restore test, compared with the manifest: {rows['restore_test']['ours_seconds']:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/protection.json"))
    parser.add_argument("--folder", type=Path, default=None, help="where 5 GiB are free")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="blackstart-bench-", dir=options.folder) as name:
        folder = Path(name)
        make_tree(folder / "tree")
        templates = (folder / "template-onsite", folder / "template-offsite")
        onsite, offsite = (Restic(at.name, str(at), lambda: PASSWORD, cache="none") for at in templates)
        onsite.init()
        offsite.init(copy_of=onsite)
        passes = []
        for number in range(options.runs):
            at = folder / f"pass-{number}"
            passes.append(one_pass(Pass(at, templates, folder / "tree"), ours_first=number % 2 == 1))
            shutil.rmtree(at)
        version = str(onsite.able)
    rows = judge(passes)
    show(rows)
    result: dict[str, Any] = {
        "bytes": BYTES,
        "files": FILES,
        "restic": version,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
        "rows": rows,
        "passes": passes,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written: {options.json}")


if __name__ == "__main__":
    main()
