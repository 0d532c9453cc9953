"""The chain of runs: *opened* before anything happens, *closed* with the hash of every file of the run.

A run that was opened and whose processes are all gone is closed as *abandoned* when the next one opens: its
files as they were found, its verdict inconclusive. So killing what writes a run does not hide the run.
"""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import yaml

from rto_rpo.durable import make_folder, sync_folder
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.changes import LOADER, Change, changes
from rto_rpo.evidence.agreed.charter import Agreed, charter
from rto_rpo.evidence.agreed.subject import About, subject
from rto_rpo.evidence.keeping.clock import require_clock
from rto_rpo.evidence.keeping.files import inventory, listing, require_plain, sync_tree, write_once
from rto_rpo.evidence.keeping.run_folder import RunFolder, folder_name, held, hold
from rto_rpo.evidence.keeping.tail import Tail, locked, read_lines
from rto_rpo.evidence.lines.line import AnyLine, Closed, Opened, line_hash, split
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import CHAIN_NAME, CHARTER_NAME, PLAN_NAME
from rto_rpo.measurement import Verdict


def open_run(
    root: Path,
    *,
    run: str,
    drill: str,
    plan: bytes,
    key: SigningKey | None,
    now: datetime,
    agreed: Agreed | None = None,
) -> RunFolder:
    """Write the *opened* line, make the run's folder and put plan and charter into it, all fsynced.

    `run` is a UUID in lowercase, `plan` the raw bytes of the plan file, `now` an aware time, `agreed` what
    the charter is made of. Runs that were given up are closed first; a plan that is not the one of its
    previous run gets a *plan_changed* line.
    Raises EvidenceError when the chain cannot be read or the key is not the one that signed it so far.
    """
    make_folder(root)
    with locked(root):
        tail = Tail(root, key, now)
        path = root / folder_name(now, drill, run)
        if path.exists() or any(isinstance(line, Opened) and line.run == run for line in tail.lines):
            raise EvidenceError(f"cannot open run {run}: there is evidence of it already")
        require_clock(tail.lines, tail.utc, f"open run {run}", signed=False)
        for opened in _unfinished(tail.lines):
            _abandon(root, tail, opened)
        about = _about(run, drill, plan, path.name)
        charter = _charter(root, tail, about, plan, agreed)
        _add_opened(tail, about, charter)
        tail.write()
        path.mkdir()
        sync_folder(root)
        write_once(path / PLAN_NAME, plan)
        if charter is not None:
            write_once(path / CHARTER_NAME, charter)
        return RunFolder(path, run, hold(path))


def close_run(
    root: Path, folder: RunFolder, *, verdict: Verdict, key: SigningKey | None, now: datetime
) -> str:
    """Write the *closed* line over every file of the run, and let go of the folder. Returns the new head.

    Raises EvidenceError when the run is not open, or its folder holds something that is no plain file.
    """
    with locked(root):
        tail = Tail(root, key, now)
        opened = next((line for line in _unfinished(tail.lines) if line.run == folder.run), None)
        if opened is None:
            raise EvidenceError(f"cannot close run {folder.run}: the chain has no such open run")
        path = root / opened.folder
        if other := listing(path)[1]:
            raise EvidenceError(f'cannot close run {folder.run}: "{other[0]}" is not a plain file')
        sync_tree(path)
        tail.add(kind="closed", source="drill", verdict=verdict, files=inventory(path), **_same(opened))
        tail.write()
    if folder.descriptor is not None:
        os.close(folder.descriptor)
    return tail.head


def head(root: Path) -> str | None:
    """SHA-256 of the last line's raw bytes: keep it elsewhere. None when there is no chain yet."""
    path = root / CHAIN_NAME
    require_plain(path)
    lines = split(path.read_bytes()) if path.exists() else []
    return line_hash(lines[-1]) if lines else None


def unfinished(root: Path) -> tuple[RunFolder, ...]:
    """Runs that were opened and not closed, whether somebody is still at them (`held`) or not."""
    return tuple(RunFolder(root / line.folder, line.run) for line in _unfinished(read_lines(root)))


def _unfinished(lines: list[AnyLine]) -> list[Opened]:
    closed = {line.run for line in lines if isinstance(line, Closed)}
    return [line for line in lines if isinstance(line, Opened) and line.run not in closed]


def _abandon(root: Path, tail: Tail, opened: Opened) -> None:
    path = root / opened.folder
    if not held(path):
        files = inventory(path)
        tail.add(kind="closed", source="abandoned", verdict="inconclusive", files=files, **_same(opened))


def _add_opened(tail: Tail, about: dict[str, str], charter: bytes | None) -> None:
    before = _previous(tail, about["plan"])
    if before is not None and before.plan_sha256 != about["plan_sha256"]:
        tail.add(kind="plan_changed", plan_sha256_before=before.plan_sha256, **about)
    frozen = {"charter_sha256": sha256(charter).hexdigest()} if charter is not None else {}
    tail.add(kind="opened", **about, **frozen)


def _previous(tail: Tail, plan: str) -> Opened | None:
    runs = [line for line in tail.lines if isinstance(line, Opened) and line.plan == plan]
    return runs[-1] if runs else None


def _charter(
    root: Path, tail: Tail, about: dict[str, str], plan: bytes, agreed: Agreed | None
) -> bytes | None:
    if agreed is None:
        return None
    before = _previous(tail, about["plan"])
    return charter(
        agreed,
        run=about["run"],
        plan=about["plan"],
        drill=about["drill"],
        previous_run=before.run if before is not None else None,
        changes=changes_since(root, before, plan),
        head_before=tail.head,
    ).json_bytes()


def changes_since(
    root: Path, before: Opened | None, plan: bytes, about: About = subject
) -> list[Change] | None:
    """What changed since that run's plan; None when there was none, or its file is not what it was."""
    path = root / before.folder / PLAN_NAME if before is not None else None
    if before is None or path is None or not path.is_file():
        return None
    old = path.read_bytes()
    return changes(old, plan, about) if sha256(old).hexdigest() == before.plan_sha256 else None


def _same(opened: Opened) -> dict[str, str]:
    return {name: getattr(opened, name) for name in ("run", "drill", "plan", "plan_sha256", "folder")}


def _about(run: str, drill: str, plan: bytes, folder: str) -> dict[str, str]:
    digest = sha256(plan).hexdigest()
    return {"run": run, "drill": drill, "plan": _plan_name(plan), "plan_sha256": digest, "folder": folder}


def _plan_name(plan: bytes) -> str:
    try:
        return str(yaml.load(plan, Loader=LOADER)["name"])  # noqa: S506 - it makes nothing but text
    except (yaml.YAMLError, TypeError, KeyError, ValueError):
        raise EvidenceError("cannot open a run: its plan has no name") from None
