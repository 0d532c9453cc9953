"""Holds that plans declare: each stands from the run that froze it until a run of a plan without it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from rto_rpo.evidence.agreed.planned import planned
from rto_rpo.evidence.lines.line import Opened
from rto_rpo.evidence.names import PLAN_NAME


def newest_by_plan(lines: Iterable[object]) -> dict[str, Opened]:
    """The newest run of each plan."""
    return {line.plan: line for line in lines if isinstance(line, Opened)}


def plan_holds(root: Path, newest: Iterable[Opened]) -> dict[str, str]:
    """Why each plan holds everything, by its name, as these runs froze it. One that is gone holds nothing."""
    found = {opened.plan: _hold(root / opened.folder / PLAN_NAME, opened.plan_sha256) for opened in newest}
    return {plan: hold for plan, hold in found.items() if hold is not None}


def _hold(path: Path, hashed: str) -> str | None:
    content = path.read_bytes() if path.is_file() else b""
    return planned(content).hold if sha256(content).hexdigest() == hashed else None
