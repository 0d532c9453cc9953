"""Write a run's reports beside its plan and ledger, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rto_rpo.controls.profile import Profile, all_shipped
from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.dossier.dossier import Dossier, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.keeping.files import write_once
from rto_rpo.evidence.keeping.undone import undone_of
from rto_rpo.evidence.lines.history import Entry
from rto_rpo.evidence.names import CHARTER_NAME, LEDGER_NAME, PAGE_NAME, PLAN_NAME, REPORT_NAME, TEXT_NAME
from rto_rpo.report.document import DocumentError, document, to_json
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.markdown import markdown


def _pages() -> dict[str, Callable[[dict[str, Any], Dossier | None], str]]:
    return {PAGE_NAME: html, TEXT_NAME: markdown}


def of_run(folder: Path) -> dict[str, Any]:
    """A run's report, computed from what its folder holds.

    Raises LedgerError, DocumentError, OSError.
    """
    charter = folder / CHARTER_NAME
    agreed = charter.read_bytes() if charter.is_file() else None
    try:
        undone = undone_of(folder)
    except EvidenceError as error:
        raise DocumentError(str(error)) from None
    return document(folder / LEDGER_NAME, (folder / PLAN_NAME).read_bytes(), agreed, undone)


def beside(
    folder: Path,
    content: dict[str, Any],
    profiles: Sequence[Profile] | None = None,
    entries: Sequence[Entry] | None = None,
    known: Mapping[str, Digest] | None = None,
    *,
    whole: bool = False,
) -> Dossier | None:
    """What the rest of the evidence says beside a run's report; None for a run that no chain holds.

    `entries`: the chain as it was then; without, as it is. `known`: digests of reports, by their hash.
    `whole`: told again later, and so of evidence whose signatures and files were looked at.
    """
    now = {folder.name: digest(content)}
    shelf = read_shelf(folder.parent, now=now, known=known, entries=entries, whole=whole)
    run = shelf.run(folder.name)
    if run is None:
        return None
    chosen = all_shipped() if profiles is None else profiles
    return next(beside_runs(shelf, run.plan, chosen, lambda one: one.folder == folder.name))


def drawn(
    folder: Path,
    content: dict[str, Any],
    entries: Sequence[Entry],
    known: Mapping[str, Digest],
    names: Collection[str],
) -> dict[str, bytes]:
    """These pages as they were written when the chain had these lines, from the report's content."""
    return pages(content, beside(folder, content, None, entries, known), names)


def pages(content: dict[str, Any], around: Dossier | None, names: Collection[str]) -> dict[str, bytes]:
    """These pages, from the report's content and what stood beside it."""
    return {name: form(content, around).encode() for name, form in _pages().items() if name in names}


def publish(folder: Path, missing: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Write report.json, report.html and report.md into a run's folder and give the report's content.

    `missing` hears which page could not be made and why; without it that is raised. The verdict is in
    report.json, and no page that fails may take it along. Doing it again changes nothing. Raises LedgerError
    or DocumentError when there is nothing to report from, EvidenceError when another report is there already.
    """
    written = to_json(of_run(folder))
    write_once(folder / REPORT_NAME, written)
    content: dict[str, Any] = json.loads(written)  # pages tell the report as it lies there, in its order
    around = cache(lambda: beside(folder, content))  # it, too, may fail
    for name, form in _pages().items():
        try:
            write_once(folder / name, form(content, around()).encode())
        except Exception as error:
            if missing is None:
                raise
            missing(f"{name} could not be written, and can be made again: {type(error).__name__}: {error}")
    return content
