"""A gate: the user's own command that must say yes before a service is started at the other site.

Exit 0 opens it, exit 1 keeps it shut. Anything else (a time-out, another code, no such program) is no
answer, and keeps it shut too. What the command prints, one JSON object, is kept as evidence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sites.drivers import command
from sites.drivers.masking import mask
from sites.errors import BlackstartError, GateRefused
from sites.recovery.runbook import Detail, Observer

_SHUT = 1


@dataclass(frozen=True, slots=True)
class GateCommand:
    """What is asked. Secrets go into the command's environment alone, and are masked in what it prints.

    `answers`: what its yes is declared to show.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    secret_env: Mapping[str, str] = field(repr=False)
    folder: Path
    answers: tuple[str, ...] = ()


def pass_gate(name: str, gate: GateCommand, limit_seconds: float, observe: Observer) -> Detail:
    """Ask the gate; return what it said. Raises GateRefused when it is not open.

    Either way a `check` is observed, with the verdict met (open), missed (shut) or inconclusive (no answer).
    """
    declared: Detail = {"answers": list(gate.answers)} if gate.answers else {}
    try:
        exit_code, said = _ask(gate, limit_seconds)
    except BlackstartError as error:
        observe(
            "check", {"name": name, "verdict": "inconclusive", "reason": f"no answer: {error}", **declared}
        )
        raise GateRefused(f'gate "{name}" gave no answer: {error}', hint=error.hint) from error
    summary = str(said.get("summary", "shut" if exit_code == _SHUT else "open"))
    verdict = "missed" if exit_code == _SHUT else "met"
    observe("check", {"name": name, "verdict": verdict, "reason": summary, "said": said, **declared})
    if exit_code == _SHUT:
        raise GateRefused(
            f'gate "{name}" is shut: {summary}',
            hint="again by hand: `blackstart failover --preview` has the line",
        )
    return {"gate": name, "summary": summary}


def _ask(gate: GateCommand, limit_seconds: float) -> tuple[int, dict[str, object]]:
    done = command.run(
        gate.argv,
        env=gate.env,
        secret_env=gate.secret_env,
        limit_seconds=limit_seconds,
        cwd=gate.folder,
        ok_codes=(0, _SHUT),
    )
    return done.exit_code, _said(mask(done.stdout, gate.secret_env.values()))


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
