"""A run's charter held against the chain, the ledger, its own plan and that of the run before."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import cast

from rto_rpo.evidence.agreed.charter import Charter, CharterError, charter_findings, parse_charter
from rto_rpo.evidence.agreed.planned import planned
from rto_rpo.evidence.agreed.subject import subject, subject_of_old
from rto_rpo.evidence.keeping.chain import changes_since
from rto_rpo.evidence.lines.history import RunRecord
from rto_rpo.evidence.lines.line import Opened
from rto_rpo.evidence.names import CHARTER_NAME, LEDGER_NAME, PLAN_NAME
from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Header


def charter_faults(root: Path, record: RunRecord, before: Opened | None) -> Iterator[str]:
    """What the charter says that the chain, the ledger, its plan or the plan before does not.

    A run that died right after its line was written has none yet, and was closed as it was found.
    """
    opened, closed = record.opened, record.closed
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
        yield from _told(root, content, record, before)


def _told(root: Path, content: bytes, record: RunRecord, before: Opened | None) -> Iterator[str]:
    try:
        found = parse_charter(content)
    except CharterError as error:
        yield f'"{CHARTER_NAME}" is no charter: {error}'
        return
    folder = root / record.opened.folder
    header, plan = ledger_header(folder / LEDGER_NAME), folder / PLAN_NAME
    if header is not None:
        yield from charter_findings(found, header)
    yield from _chain_faults(found, record, before)
    if plan.is_file():
        yield from _plan_faults(found, plan.read_bytes(), header)
        yield from _change_faults(root, found, plan.read_bytes(), before)


def _chain_faults(found: Charter, record: RunRecord, before: Opened | None) -> Iterator[str]:
    opened = record.opened
    if (found.run, found.plan, found.drill) != (opened.run, opened.plan, opened.drill):
        yield f'"{CHARTER_NAME}" is of another run, plan or drill than the chain says'
    if found.previous_run != (before.run if before is not None else None):
        yield f'"{CHARTER_NAME}" names another previous run than the chain'
    if found.head_before != (record.plan_changed or opened).prev:
        yield f'"{CHARTER_NAME}" was agreed at another head of the chain than that before the run'


def _plan_faults(found: Charter, plan: bytes, header: Header | None) -> Iterator[str]:
    said = planned(plan, header["plan"]["variables"] if header is not None else None)
    if not said.names(found.roles):
        yield f'"{CHARTER_NAME}" names other people, or other keys of theirs, than "{PLAN_NAME}"'
    if said.schedules != found.schedules:
        yield f'"{CHARTER_NAME}" has other schedules than "{PLAN_NAME}"'
    sites, datasets = said.kinds["sites"], said.kinds["datasets"]
    # lists, for a kind that nobody knows is like any other
    foreign = [one for one in found.tries if sites and one.site not in sites]
    foreign += [one for one in found.tries if datasets and one.dataset not in (*datasets, "none")]
    if foreign:
        yield f'"{CHARTER_NAME}" tries kinds of site or dataset that "{PLAN_NAME}" does not have'


def _change_faults(root: Path, found: Charter, plan: bytes, before: Opened | None) -> Iterator[str]:
    """Of a plan before that is gone nothing can be told now, and what was told then stands.

    An older charter files less under what it is about; places and values are the same.
    """
    computed = [changes_since(root, before, plan, about) for about in (subject, subject_of_old)]
    if found.changes not in computed and (computed[0] is not None or before is None):
        yield f'"{CHARTER_NAME}" tells other changes since the previous run than the two plans show'


def ledger_header(ledger: Path) -> Header | None:
    """The ledger's header; None where there is none to compare with, which is told elsewhere."""
    try:
        return cast("Header", next(read(ledger))) if ledger.is_file() else None
    except (OSError, LedgerError, StopIteration):
        return None
