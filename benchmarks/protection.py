"""Backup, copy and restore through blackstart's flows beside raw restic, side by side in one run.

    python -m benchmarks.protection [--runs 3] [--json FILE] [--folder DIR] [--without-prefect]

The tree is 1 GiB in 2,000 files, half of them compressible, the same bytes every time. Each pass has fresh
repositories and an empty cache; the ways take turns in going first. `ours` is what the flows and the command
line call, from a plan; `prefect` the flows themselves, on a Prefect server. The manifest is
our own reading of the tree with nothing beside it. It is left alone for a minute at first, as a tree is
between two backups: what was written just before is read again each time. Figures are medians; `cpu` is the
time of the processor, of Prefect's without its server: on a machine that others use it says more.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processor import used
from flows.options import estate_of
from flows.protection.protect import Outcome, back_up, replicate_all, restore_tests
from flows.server.local_server import LocalServer, empty_database
from sites.drivers.restic.repository import Restic
from sites.known_hashes import LEFT_ALONE_NS
from sites.manifest import encode, scan
from sites.protection.backup import BackupResult
from sites.protection.history import History

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


PLAN = """\
name: bench
environment: benchmark
sites:
  primary: {{kind: processes, path: "{folder}/primary"}}
  dr:      {{kind: processes, path: "{folder}/dr"}}
repositories:
  onsite:  {{site: primary, url: "{folder}/onsite", password: {{file: "{folder}/password"}}}}
  offsite: {{site: dr, url: "{folder}/offsite", password: {{file: "{folder}/password"}}, copy_of: onsite}}
datasets:
  ticks: {{kind: files, site: primary, path: "{tree}", backup: {{to: onsite, every: 1h, older: 0}}, rpo: 1h,
          restore: {{site: dr, path: "{folder}/dr/restored"}}}}
"""
ACTS = ("backup", "unchanged", "copy", "restore")
RATIO, FIXED_SECONDS, MANIFEST_RATIO = 1.05, 1.0, 0.5


class Way:
    """One way over the same tree: its own repositories, its own cache."""

    def __init__(self, folder: Path, templates: tuple[Path, Path], tree: Path) -> None:
        self.folder, self.tree = folder, tree
        folder.mkdir(parents=True)
        for name, template in zip(("onsite", "offsite"), templates, strict=True):
            shutil.copytree(template, folder / name)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        self.plan = folder / "plan.yaml"
        self.plan.write_text(PLAN.format(folder=folder, tree=tree))

    @contextmanager
    def cache(self) -> Iterator[None]:
        """Restic's cache is found by the environment that it inherits."""
        before = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(self.folder / "cache")
        try:
            yield
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if before is not None:
                os.environ["XDG_CACHE_HOME"] = before

    def repository(self, name: str) -> Restic:
        return Restic(name, str(self.folder / name), lambda: PASSWORD)


class Raw(Way):
    def act(self, act: str) -> dict[str, float]:
        if act == "copy":
            return self._restic("offsite", "copy", "--from-repo", str(self.folder / "onsite"))
        if act == "restore":
            newest = self.repository("offsite").snapshots().snapshots[-1]
            return self._restic("offsite", "restore", newest.id, "--target", str(self.folder / "restored"))
        return self._restic("onsite", "backup", "--host", "bench", str(self.tree))

    def _restic(self, name: str, *arguments: str) -> dict[str, float]:
        argv = ["restic", "-r", str(self.folder / name), "--json", *arguments]
        secrets = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_FROM_PASSWORD": PASSWORD, "RESTIC_PROGRESS_FPS": "2"}
        began = time.monotonic()
        subprocess.run(argv, env={**os.environ, **secrets}, check=True, capture_output=True)
        return {"seconds": time.monotonic() - began}


class Ours(Way):
    def act(self, act: str) -> dict[str, float]:
        estate = estate_of(self.plan)
        began = time.monotonic()
        if act == "copy":
            _good(list(replicate_all(estate)))
        elif act == "restore":
            estate.restore_source("ticks").restore(3600, gently=False)
        else:
            [made] = _good(list(back_up(estate)))
            assert isinstance(made, BackupResult)
            return {"seconds": time.monotonic() - began, "restic_seconds": made.restic_seconds}
        return {"seconds": time.monotonic() - began}

    def manifest(self) -> float:
        began = time.monotonic()
        encode(scan(self.tree).settle("ticks", "now"))
        return time.monotonic() - began

    def restore_test(self) -> float:
        began = time.monotonic()
        [result] = _good(list(restore_tests(estate_of(self.plan))))
        assert result.verdict == "met", result.reason
        return time.monotonic() - began


class Prefect(Way):
    """No flow restores and does no more: of its restore test, what the restore took."""

    def act(self, act: str) -> dict[str, float]:
        from flows.backup import backup
        from flows.replicate import replicate
        from flows.restore_test import restore_test

        by_act: dict[str, Callable[..., Any]] = {"copy": replicate, "restore": restore_test}
        began = time.monotonic()
        state = by_act.get(act, backup)(str(self.plan), return_state=True)
        seconds = time.monotonic() - began
        assert state.is_completed(), state
        if act != "restore":
            return {"seconds": seconds}
        tested = History(estate_of(self.plan).history).last("restore_test")
        assert tested is not None
        return {"seconds": float(tested.detail["seconds"]), "whole_test_seconds": seconds}

    def nothing(self) -> float:
        """Prefect's own share. Its flows by themselves end up to a second later: see flows.heartbeat."""
        from prefect import flow

        empty = flow(name="nothing", persist_result=False)(lambda: None)
        began = time.monotonic()
        empty()
        return time.monotonic() - began


def _good(outcomes: list[Outcome[Any]]) -> list[Any]:
    for outcome in outcomes:
        assert outcome.error is None, outcome.error
    return [outcome.result for outcome in outcomes]


def one_pass(ways: dict[str, Raw | Ours | Prefect], first: int) -> dict[str, dict[str, dict[str, float]]]:
    """What each act took in each way."""
    names = list(ways)
    turn = names[first % len(names) :] + names[: first % len(names)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for act in ACTS:
        for name in turn:
            os.sync()
            with ways[name].cache():
                before = used()
                one = found.setdefault(act, {})[name] = ways[name].act(act)
                one["cpu_seconds"] = used() - before
    ours = ways["ours"]
    assert isinstance(ours, Ours)
    with ours.cache():
        found["restore_test"] = {"ours": {"seconds": ours.restore_test()}}
    found["manifest"] = {"ours": {"seconds": ours.manifest()}}
    through = ways.get("prefect")
    if isinstance(through, Prefect):
        found["empty flow"] = {"prefect": {"seconds": through.nothing()}}
    return found


def judge(passes: list[dict[str, dict[str, dict[str, float]]]]) -> dict[str, dict[str, Any]]:
    """For each act and way: medians, the ratio, and whether it is within 1.05 times raw and a second.

    Our own reading of the tree for the manifest has a limit of its own besides, half of the raw backup.
    """
    rows: dict[str, dict[str, Any]] = {}
    for act in ACTS:
        raw = _median(passes, act, "raw", "seconds")
        limit = raw * RATIO + FIXED_SECONDS
        for way in [way for way in passes[0][act] if way != "raw"]:
            seconds = _median(passes, act, way, "seconds")
            rows[f"{act} {way}"] = {
                "raw_seconds": raw,
                "seconds": seconds,
                "added_seconds": seconds - raw,
                "ratio": seconds / raw,
                "limit_seconds": limit,
                "raw_cpu_seconds": _median(passes, act, "raw", "cpu_seconds"),
                "cpu_seconds": _median(passes, act, way, "cpu_seconds"),
                "within": seconds <= limit,
            }
    manifest, raw = _median(passes, "manifest", "ours", "seconds"), rows["backup ours"]["raw_seconds"]
    rows["manifest"] = {
        "seconds": manifest,
        "ratio": manifest / raw,
        "within": manifest <= MANIFEST_RATIO * raw,
    }
    if "empty flow" in passes[0]:
        rows["empty flow"] = {"seconds": _median(passes, "empty flow", "prefect", "seconds")}
    rows["restore test"] = {"seconds": _median(passes, "restore_test", "ours", "seconds")}
    return rows


def _median(passes: list[dict[str, dict[str, dict[str, float]]]], act: str, way: str, what: str) -> float:
    return statistics.median(one[act][way].get(what, 0.0) for one in passes)


def show(rows: dict[str, dict[str, Any]]) -> None:
    titles = ("raw", "through us", "added", "ratio", "limit", "raw cpu", "our cpu", "within")
    print(f"{'seconds':18}" + "".join(f"{title:>11}" for title in titles))
    keys = (
        *("raw_seconds", "seconds", "added_seconds", "ratio", "limit_seconds"),
        *("raw_cpu_seconds", "cpu_seconds"),
    )
    for name, row in rows.items():
        if "raw_seconds" in row:
            told = "yes" if row["within"] else "no"
            print(f"{name:18}" + "".join(f"{row[key]:>11.2f}" for key in keys) + f"{told:>11}")
    alone = rows["manifest"]
    print(f"the manifest alone: {alone['seconds']:.2f} s, {alone['ratio']:.2f} of the raw backup")
    if "empty flow" in rows:
        print(f"a flow of Prefect's that does nothing: {rows['empty flow']['seconds']:.2f} s")
    print(f"a whole restore test, compared with the manifest: {rows['restore test']['seconds']:.2f} s")


@contextmanager
def prefect_server(folder: Path) -> Iterator[None]:
    """A server of our own, whose client this process becomes before it imports Prefect."""
    server = LocalServer(folder, empty_database=empty_database(Path(".blackstart")))
    server.start()
    try:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            del os.environ[name]
        os.environ.update(server.settings)
        import flows.backup  # Prefect takes seconds to import, which a run's process has done when it begins

        assert flows.backup.backup
        yield
    finally:
        server.stop()


def measured(folder: Path, runs: int, *, with_prefect: bool) -> tuple[list[Any], str]:
    make_tree(folder / "tree")
    time.sleep(LEFT_ALONE_NS / 1e9 + 1)
    templates = (folder / "template-onsite", folder / "template-offsite")
    onsite, offsite = (Restic(at.name, str(at), lambda: PASSWORD, cache="none") for at in templates)
    onsite.init()
    offsite.init(copy_of=onsite)
    kinds: dict[str, type[Raw | Ours | Prefect]] = {"raw": Raw, "ours": Ours}
    if with_prefect:
        kinds["prefect"] = Prefect
    passes = []
    for number in range(runs):
        at = folder / f"pass-{number}"
        ways = {name: kind(at / name, templates, folder / "tree") for name, kind in kinds.items()}
        passes.append(one_pass(ways, number))
        shutil.rmtree(at)
    return passes, str(onsite.able)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/protection.json"))
    parser.add_argument("--folder", type=Path, default=None, help="where 8 GiB are free")
    parser.add_argument("--without-prefect", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="blackstart-bench-", dir=options.folder) as name:
        folder = Path(name)
        if options.without_prefect:
            passes, version = measured(folder, options.runs, with_prefect=False)
        else:
            with prefect_server(folder / "prefect"):
                passes, version = measured(folder, options.runs, with_prefect=True)
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
