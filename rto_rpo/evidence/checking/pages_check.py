"""report.html and report.md drawn again, and held against those that lie there.

They tell what report.json says, and what the chain said beside it while they were drawn: after the run was
opened and before it was closed. Another version may draw the same otherwise: its pages show nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.evidence.lines.history import Entry, RunRecord
from rto_rpo.evidence.lines.line import Closed, Opened, Pruned
from rto_rpo.evidence.names import PAGE_NAME, REPORT_NAME, TEXT_NAME
from rto_rpo.report.maker import maker
from rto_rpo.report.older import current
from rto_rpo.report.publish import drawn

_PAGES = (PAGE_NAME, TEXT_NAME)
_Drawn = Callable[..., dict[str, bytes]]


@dataclass(slots=True)
class Pages:
    """What came of it, by the run's folder. `same`: how many pages are what their reports give."""

    findings: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    same: int = 0


def check_pages(root: Path, entries: Sequence[Entry], records: Sequence[RunRecord]) -> Pages:
    """Draw all pages again, of evidence whose files and reports were all found to be right."""
    found, known = Pages(), dict[str, Digest]()
    pruned = {run for one in entries if isinstance(one.line, Pruned) for run in one.line.runs}
    plans: set[str] = set()
    for record in records:
        if record.opened.run in pruned:
            plans.add(record.opened.plan)
        elif record.closed is not None and record.closed.source == "drill":
            _check(root, entries, record.closed, found, known, gap=record.opened.plan in plans)
    return found


def _check(
    root: Path, entries: Sequence[Entry], closed: Closed, found: Pages, known: dict[str, Digest], *, gap: bool
) -> None:
    sha256, folder = closed.files.get(REPORT_NAME), root / closed.folder
    names = [name for name in _PAGES if name in closed.files]
    if sha256 is None or not names:
        return
    if gap:
        why = "it tells of runs before it that were pruned"
    else:
        content: Any = current(orjson.loads((folder / REPORT_NAME).read_bytes()))
        known[sha256] = digest(content)
        pages = {name: (folder / name).read_bytes() for name in names}
        foreign = [name for name, page in pages.items() if maker().encode() not in page]
        ours = {name: page for name, page in pages.items() if name not in foreign}
        unlike = _unlike(
            ours, (partial(drawn, folder, content, at, known) for at in _moments(entries, closed))
        )
        found.same += len(ours) - len(unlike)
        if unlike:
            found.findings[closed.folder] = unlike
        names, why = foreign, "another version of blackstart drew it, or a hand"
    if names:
        told = " and ".join(f'"{name}"' for name in names)
        alone = f"{told}: held against the hash in the chain alone, for {why}"
        shown = "nothing here shows that it says what its report says; `blackstart report` draws it anew"
        found.notes[closed.folder] = [f"{alone}: {shown}"]


def _unlike(pages: dict[str, bytes], moments: Iterable[_Drawn]) -> list[str]:
    """What is wrong with the pages that no moment between the run's opening and its closing gives."""
    for draw in moments if pages else ():
        try:
            again = draw(names=list(pages))
        except Exception as error:  # noqa: BLE001 - they were drawn once, by the same hand
            return [f'"{name}" cannot be drawn again: {type(error).__name__}: {error}' for name in pages]
        pages = {name: page for name, page in pages.items() if again[name] != page}
        if not pages:
            break
    return [f'"{name}" is not what its report and the chain give' for name in pages]


def _moments(entries: Sequence[Entry], closed: Closed) -> Iterator[Sequence[Entry]]:
    """The chain as it was when the run was closed, and before that, back to its opening."""
    end = next(at for at, entry in enumerate(entries) if entry.line == closed)
    while end and not _opens(entries[end], closed):
        yield entries[:end]
        end -= 1


def _opens(entry: Entry, closed: Closed) -> bool:
    return isinstance(entry.line, Opened) and entry.line.run == closed.run
