"""report.html and report.md drawn again, and held against those that lie there.

They tell what report.json says, and what the chain said beside it while they were drawn: after the run was
opened and before it was closed. Another version may draw the same otherwise: its pages show nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.evidence.checking.then import beside_each
from rto_rpo.evidence.lines.history import Entry, RunRecord
from rto_rpo.evidence.lines.line import Closed, Opened, Pruned
from rto_rpo.evidence.names import PAGE_NAME, REPORT_NAME, TEXT_NAME
from rto_rpo.report.maker import maker
from rto_rpo.report.older import current
from rto_rpo.report.publish import drawn, pages

_PAGES = (PAGE_NAME, TEXT_NAME)
_Drawn = Callable[..., dict[str, bytes]]


@dataclass(slots=True)
class Pages:
    """What came of it, by the run's folder. `same`: how many pages are what their reports give."""

    findings: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    same: int = 0


def check_pages(
    root: Path, entries: Sequence[Entry], records: Sequence[RunRecord], judged: Container[str]
) -> Pages:
    """Draw all pages again, of evidence whose files and reports were all found to be right.

    `judged`: the runs that left something to judge; of any other no page is drawn.
    """
    found, known = Pages(), dict[str, Digest]()
    asked = {each.closed.folder: each for each in _asked(root, entries, records, judged, found)}
    for each in asked.values():
        known[each.closed.files[REPORT_NAME]] = digest(each.content())
    left = {folder: each.ours for folder, each in asked.items()}
    for folder, like in _like(root, entries, asked, known):
        left[folder] = {name: page for name, page in left[folder].items() if name not in like}
    for folder, each in asked.items():
        moments = _moments(entries, each.closed) if left[folder] else ()
        draws = (partial(drawn, root / folder, each.content(), at, known) for at in moments)
        unlike = _unlike(left[folder], draws)
        found.same += len(each.ours) - len(unlike)
        if unlike:
            found.findings[folder] = unlike
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """A run with pages that name this version, which is asked to draw them once more."""

    path: Path
    closed: Closed
    ours: dict[str, bytes]

    def content(self) -> dict[str, Any]:
        return current(orjson.loads((self.path / REPORT_NAME).read_bytes()))


def _asked(
    root: Path, entries: Sequence[Entry], records: Sequence[RunRecord], judged: Container[str], found: Pages
) -> Iterator[_Asked]:
    """Notes of all others why they are not."""
    pruned = {run for one in entries if isinstance(one.line, Pruned) for run in one.line.runs}
    plans: set[str] = set()
    for record in records:
        closed = record.closed
        if record.opened.run in pruned:
            plans.add(record.opened.plan)
        elif closed is not None and REPORT_NAME in closed.files:
            path = root / closed.folder
            lying = {name: (path / name).read_bytes() for name in _PAGES if name in closed.files}
            if record.opened.plan in plans:
                _note(found, closed, list(lying), "it tells of runs before it that were pruned")
                continue
            if record.opened.run not in judged:
                _note(found, closed, list(lying), "its run left nothing that could be judged")
                continue
            foreign = [name for name, page in lying.items() if maker().encode() not in page]
            _note(found, closed, foreign, "another version of blackstart drew it, or a hand")
            yield _Asked(path, closed, {name: lying[name] for name in lying if name not in foreign})


def _note(found: Pages, closed: Closed, names: list[str], why: str) -> None:
    if names:
        told = " and ".join(f'"{name}"' for name in names)
        alone = f"{told}: held against the hash in the chain alone, for {why}"
        shown = "nothing here shows that it says what its report says; `blackstart report` draws it anew"
        found.notes[closed.folder] = [f"{alone}: {shown}"]


def _like(
    root: Path, entries: Sequence[Entry], asked: Mapping[str, _Asked], known: Mapping[str, Digest]
) -> Iterator[tuple[str, set[str]]]:
    """Which pages of a run are what one pass over all gives. The others are looked at one by one."""
    try:
        for dossier in beside_each(root, entries, known, {name for name in asked if asked[name].ours}):
            each = asked[dossier.run.folder] if dossier.run is not None else None
            if each is not None:
                again = pages(each.content(), dossier, list(each.ours))
                yield each.closed.folder, {name for name in each.ours if again[name] == each.ours[name]}
    except Exception:  # noqa: BLE001 - whatever it was, each page that is left is drawn again and tells it
        return


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
