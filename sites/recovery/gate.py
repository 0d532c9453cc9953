"""A gate: the user's own command that must say yes before a service is started at the other site.

Exit 0 opens it, exit 1 keeps it shut. Anything else (a time-out, another code, no such program) is no
answer, and keeps it shut too. What the command prints, one JSON object, is kept as evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from sites.drivers import command
from sites.errors import BlackstartError, GateRefused
from sites.recovery.runbook import Detail, Observer

_SHUT = 1


def pass_gate(
    name: str,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    folder: Path,
    limit_seconds: float,
    observe: Observer,
) -> Detail:
    """Ask the gate; return what it said. Raises GateRefused when it is not open.

    Either way a `check` is observed, with the verdict met (open), missed (shut) or inconclusive (no answer).
    """
    try:
        done = command.run(argv, env=env, limit_seconds=limit_seconds, cwd=folder, ok_codes=(0, _SHUT))
        said = _said(done.stdout)
    except BlackstartError as error:
        observe("check", {"name": name, "verdict": "inconclusive", "reason": f"no answer: {error}"})
        raise GateRefused(f'gate "{name}" gave no answer: {error}', hint=error.hint) from error
    summary = str(said.get("summary", "open" if done.exit_code == 0 else "shut"))
    verdict = "met" if done.exit_code == 0 else "missed"
    observe("check", {"name": name, "verdict": verdict, "reason": summary, "said": said})
    if done.exit_code == _SHUT:
        raise GateRefused(f'gate "{name}" is shut: {summary}', hint=f"run it again by hand: {' '.join(argv)}")
    return {"gate": name, "summary": summary}


def _said(stdout: str) -> dict[str, object]:
    try:
        said = json.loads(stdout)
    except ValueError:
        raise BlackstartError(
            f"the gate printed no JSON object but {stdout[:200]!r}",
            hint='print one, such as {"summary": "..."}',
        ) from None
    if not isinstance(said, dict):
        raise BlackstartError("the gate printed JSON, but no object")
    return said
