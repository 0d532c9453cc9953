"""One run held against its lines of the chain: its files, its plan, and the verdict computed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rto_rpo.evidence.chain import PLAN_NAME
from rto_rpo.evidence.files import listing, sha256_of
from rto_rpo.evidence.history import RunRecord
from rto_rpo.evidence.line import Closed
from rto_rpo.evidence.run_folder import held
from rto_rpo.ledger.reader import LedgerError
from rto_rpo.measurement import Verdict
from rto_rpo.report.document import DocumentError, document, to_json

LEDGER_NAME = "ledger.jsonl"
REPORT_NAME = "report.json"

State = Literal["closed", "abandoned", "running", "never finished"]


@dataclass(frozen=True, slots=True)
class RunCheck:
    """What became of one run. `verdict` is the chain's, `recomputed` the one that plan and ledger give now.

    `recomputed` is None where there is nothing intact to compute it from.
    """

    run: str
    folder: str
    drill: str
    state: State
    verdict: Verdict | None
    recomputed: Verdict | None
    findings: tuple[str, ...]


def check_run(root: Path, record: RunRecord, owners: Mapping[str, str]) -> RunCheck:
    """Check the run's folder below `root`. `owners` says which folder a ledger, by its hash, belongs to."""
    opened, closed = record.opened, record.closed
    path = root / opened.folder
    recomputed: Verdict | None = None
    if closed is None:
        state: State = "running" if held(path) else "never finished"
        findings = [] if state == "running" else ["it was opened and never finished"]
        findings += list(_plan_fault(path, opened.plan_sha256))
    else:
        state = "abandoned" if closed.source == "abandoned" else "closed"
        findings = list(file_faults(path, closed, owners))
        if not findings:
            recomputed, faults = _recompute(path, closed)
            findings += faults
    verdict = closed.verdict if closed else None
    return RunCheck(opened.run, opened.folder, opened.drill, state, verdict, recomputed, tuple(findings))


def _plan_fault(path: Path, sha256: str) -> Iterator[str]:
    plan = path / PLAN_NAME
    if plan.is_file() and sha256_of(plan) != sha256:
        yield f'"{PLAN_NAME}" was edited: its hash is not the one that the run was opened with'


def file_faults(path: Path, closed: Closed, owners: Mapping[str, str]) -> Iterator[str]:
    """What differs between the files of a closed run and its line of the chain."""
    if path.is_symlink() or not path.is_dir():
        if closed.files:
            yield "its folder is missing: it was deleted or renamed"
        return
    regular, other = listing(path)
    found = {name: sha256_of(path / name) for name in regular}
    if closed.files.get(PLAN_NAME, closed.plan_sha256) != closed.plan_sha256:
        yield f'"{PLAN_NAME}" is not the plan that the run was opened with'
    if (owner := owners.get(found.get(LEDGER_NAME, ""))) not in {None, path.name}:
        yield f'it holds the ledger of "{owner}": the runs were swapped or copied'
    for name, sha256 in sorted(closed.files.items()):
        if name not in found:
            yield f'"{name}" is missing: it was deleted or renamed'
        elif found[name] != sha256:
            yield f'"{name}" was edited: its hash is not the one in the chain'
    for name in sorted({*found, *other} - closed.files.keys()):
        yield f'"{name}" is not in the chain: it was added after the run was closed'


def _recompute(path: Path, closed: Closed) -> tuple[Verdict | None, list[str]]:
    """The verdict that plan and ledger give, and how it differs from what was written down."""
    # A recorder that died at once leaves nothing to judge. *Inconclusive* claims nothing and needs no proof.
    unclaimed = closed.verdict == "inconclusive"
    missing = [name for name in (PLAN_NAME, LEDGER_NAME) if name not in closed.files]
    if missing:
        why = f'it was closed without "{missing[0]}", so its verdict cannot be computed again'
        return None, [] if unclaimed else [why]
    try:
        computed = document(path / LEDGER_NAME, (path / PLAN_NAME).read_bytes())
    except LedgerError as error:
        return None, [] if unclaimed else [f"its verdict cannot be computed again: {error}"]
    except DocumentError as error:
        return None, [f"its verdict cannot be computed again: {error}"]
    return computed["verdict"], list(_differences(path, closed, computed))


def _differences(path: Path, closed: Closed, computed: dict[str, Any]) -> Iterator[str]:
    for name, said, found in (
        ("run", closed.run, computed["run"]),
        ("drill", closed.drill, computed["drill"]["name"]),
    ):
        if said != found:
            yield f"the chain says {name} {said!r}, its ledger says {found!r}"
    if closed.source == "abandoned":
        return
    if closed.verdict != computed["verdict"]:
        yield f"the chain says {closed.verdict}, its ledger gives {computed['verdict']}"
    if REPORT_NAME not in closed.files:
        yield f'it was closed without "{REPORT_NAME}"'
    elif (path / REPORT_NAME).read_bytes() != to_json(computed):
        parts = ", ".join(_parts(path / REPORT_NAME, computed))
        yield f'"{REPORT_NAME}" is not what its plan and ledger give; it differs in: {parts}'


def _parts(path: Path, computed: dict[str, Any]) -> list[str]:
    try:
        stored = json.loads(path.read_bytes())
    except ValueError:
        return ["it is not JSON"]
    if not isinstance(stored, dict):
        return ["it is not an object"]
    names = sorted(stored.keys() | computed.keys())
    return [name for name in names if stored.get(name) != computed.get(name)] or ["its spelling"]
