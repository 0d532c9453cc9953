"""Build the site: every page that the evidence calls for, and of those only what is not there already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.controls.profile import Profile
from rto_rpo.dossier.dossier import Dossier, as_things_stand, beside_runs
from rto_rpo.dossier.shelf import Run, Shelf, read_shelf
from rto_rpo.evidence.lines.line import line_hash
from rto_rpo.evidence.names import REPORT_NAME
from rto_rpo.report.distrust import distrusted, not_intact
from rto_rpo.report.forms.html import html
from rto_rpo.report.older import current
from rto_rpo.website.memory import MEMORY_NAME, Memory, dump, key_of, remembered
from rto_rpo.website.names import page_of_run
from rto_rpo.website.pages import overview_pages


@dataclass(frozen=True, slots=True)
class Built:
    """`written` pages are new or anew, `kept` ones were there; `removed` ones are of nothing any more.

    `findings`: what is not intact, as the pages tell it.
    """

    runs: int
    written: int
    kept: int
    removed: int
    findings: tuple[str, ...] = ()


def build(root: Path, to: Path, *, now: datetime, profiles: Sequence[Profile]) -> Built:
    """Build or renew the site of the evidence at `root` in the folder `to`. Raises SiteError, OSError."""
    memory = remembered(to)
    shelf = read_shelf(root, known=memory.digests)
    plans = list(dict.fromkeys(run.plan for run in shelf.runs))
    builder = _Builder(to, memory)
    for plan in plans:
        _run_pages(shelf, plan, builder, profiles)
    dossiers = [as_things_stand(shelf, plan, now, profiles) for plan in plans]
    for name, page in overview_pages(shelf, dossiers, now):
        builder.write(name, "", page)
    removed = builder.sweep()
    memory.digests = {run.report_sha256: run.digest for run in shelf.runs if run.report_sha256 and run.digest}
    builder.put(MEMORY_NAME, dump(memory))
    findings = (*shelf.problems, *(f"{folder}: {why}" for folder, why in shelf.broken.items()))
    return Built(len(shelf.runs), builder.written, builder.kept, removed, findings)


def _run_pages(shelf: Shelf, plan: str, builder: _Builder, profiles: Sequence[Profile]) -> None:
    """The page of each run, where it is not there already."""
    with_profiles = key_of(*(profile.model_dump_json() for profile in profiles))
    keys, around = {}, key_of(*shelf.problems)
    for run in shelf.of_plan(plan).runs:
        around = key_of(around, run.folder, run.problem) if run.problem else around
        if run.digest:
            keys[run.folder] = _key(run, with_profiles, around)
    stale = {folder for folder, key in keys.items() if not builder.has(page_of_run(folder), key)}
    if not stale:
        return

    def wanted(run: Run) -> bool:
        return run.folder in stale

    for dossier in beside_runs(shelf, plan, profiles, wanted):
        if dossier.run is not None:
            folder = dossier.run.folder
            builder.write(page_of_run(folder), keys[folder], _page(shelf.root, folder, dossier))


def _key(run: Run, profiles: str, around: str) -> str:
    """A run's page is made of the chain up to it, of its report, and of what people said of it.

    `around`: what is wrong with the runs before it, and with the chain: that, too, may change.
    """
    said = [line_hash(line.raw()) for line in run.record.records]
    closed = run.record.closed_sha256 or ""
    return key_of(line_hash(run.record.opened.raw()), closed, profiles, around, *said)


def _page(root: Path, folder: str, dossier: Dossier) -> bytes:
    """As `blackstart report` tells of the run: nothing good follows from it where the chain does not hold."""
    content: dict[str, Any] = current(orjson.loads((root / folder / REPORT_NAME).read_bytes()))
    if dossier.shelf.problems:
        content = distrusted(content, not_intact(dossier.shelf.problems))
    return html(content, dossier, links=True).encode()


class _Builder:
    def __init__(self, folder: Path, memory: Memory) -> None:
        self._folder, self._memory = folder, memory
        self._seen: set[str] = set()
        self.written = self.kept = 0
        for part in ("runs", "drills", "services"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def has(self, name: str, key: str) -> bool:
        """Whether the page is there and of just this."""
        there = self._memory.pages.get(name) == key and (self._folder / name).is_file()
        if there:
            self._seen.add(name)
            self.kept += 1
        return there

    def write(self, name: str, key: str, content: bytes) -> None:
        self.put(name, content)
        self._memory.pages[name] = key
        self._seen.add(name)
        self.written += 1

    def put(self, name: str, content: bytes) -> None:
        """Whole or not at all: a reader never sees half a page."""
        path = self._folder / name
        half = path.with_name(f".{path.name}.new")
        half.write_bytes(content)
        os.replace(half, path)  # noqa: PTH105

    def sweep(self) -> int:
        """Remove the pages that we wrote once and that nothing calls for any more."""
        old = [name for name in self._memory.pages if name not in self._seen]
        for name in old:
            (self._folder / name).unlink(missing_ok=True)
            del self._memory.pages[name]
        return len(old)
