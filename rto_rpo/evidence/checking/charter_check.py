"""A run's charter held against the chain, the ledger and the plan of the run before."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import cast

from rto_rpo.evidence.agreed.charter import Charter, CharterError, charter_findings, parse_charter
from rto_rpo.evidence.keeping.chain import changes_since
from rto_rpo.evidence.lines.line import Closed, Opened
from rto_rpo.evidence.names import CHARTER_NAME, LEDGER_NAME, PLAN_NAME
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Header


def charter_faults(root: Path, opened: Opened, closed: Closed | None, before: Opened | None) -> Iterator[str]:
    """What the charter says that the chain, the ledger or the plan before does not.

    A run that died right after its line was written has none yet, and was closed as it was found.
    """
    folder = root / opened.folder
    path = folder / CHARTER_NAME
    if not path.is_file():
        abandoned = closed is not None and closed.source == "abandoned" and CHARTER_NAME not in closed.files
        if opened.charter_sha256 is not None and folder.is_dir() and not abandoned:
            yield f'"{CHARTER_NAME}" is missing: the run was opened with one'
        return
    content = path.read_bytes()
    if opened.charter_sha256 is None:
        yield f'"{CHARTER_NAME}" was added: the run was opened without one'
    elif sha256(content).hexdigest() != opened.charter_sha256:
        yield f'"{CHARTER_NAME}" was edited: its hash is not the one that the run was opened with'
    else:
        yield from _told(root, folder, content, opened, before)


def _told(root: Path, folder: Path, content: bytes, opened: Opened, before: Opened | None) -> Iterator[str]:
    try:
        found = parse_charter(content)
    except CharterError as error:
        yield f'"{CHARTER_NAME}" is no charter: {error}'
        return
    header = _header(folder / LEDGER_NAME)
    if header is not None:
        yield from charter_findings(found, header)
    yield from _plan_faults(root, folder, found, opened, before)


def _plan_faults(
    root: Path, folder: Path, found: Charter, opened: Opened, before: Opened | None
) -> Iterator[str]:
    if (found.run, found.plan, found.drill) != (opened.run, opened.plan, opened.drill):
        yield f'"{CHARTER_NAME}" is of another run, plan or drill than the chain says'
    if found.previous_run != (before.run if before is not None else None):
        yield f'"{CHARTER_NAME}" names another previous run than the chain'
    plan = folder / PLAN_NAME
    computed = changes_since(root, before, plan.read_bytes()) if plan.is_file() else None
    if computed is not None and found.changes is not None and computed != found.changes:
        yield f'"{CHARTER_NAME}" tells other changes since the previous run than the two plans show'


def _header(ledger: Path) -> Header | None:
    """The ledger's header; None where there is none to compare with, which is told elsewhere."""
    try:
        return cast("Header", next(read(ledger)))
    except (OSError, LedgerError, StopIteration):
        return None
