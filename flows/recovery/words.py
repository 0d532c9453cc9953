"""Previews and runs of the runbook, in lines."""

from __future__ import annotations

from collections.abc import Sequence

from drills.preview import Preview
from flows.recovery.failover import Planned
from sites.recovery.runbook import Run
from sites.recovery.standing import Act

_DID: dict[Act, str] = {
    "failover": "failed over",
    "switchover": "switched over",
    "failback": "failed back",
}


def preview_lines(seen: Preview) -> list[str]:
    """What a drill would hit and do, and the hash that confirms it."""
    steps = [f"  {number}. {says}" for number, says in enumerate(seen.steps, 1)]
    return [
        f'drill "{seen.drill}" in environment "{seen.environment}": nothing was changed',
        "targets",
        *(f"  {target.kind} {target.name} at site {target.site}" for target in seen.targets),
        *(["steps of the runbook", *steps] if steps else []),
        f"expected   {seen.expected}",
        f"undo       {seen.undo}",
        f"to run it  blackstart drill {seen.drill} --environment {seen.environment} --confirm {seen.confirm}",
    ]


def step_lines(steps: Sequence[Planned]) -> list[str]:
    """The runbook as an operator reads it, each step with the command that does it by hand."""
    lines = []
    for number, step in enumerate(steps, 1):
        first, *more = step.by_hand.splitlines()
        lines += [f"{number:>2}. {step.step}: {step.says}", f"    by hand: {first}"]
        lines += [f"             {line}" for line in more]
    return lines


def run_lines(run: Run, kind: Act = "failover") -> list[str]:
    done = [step for step in run.completed if step not in run.skipped]
    did = _DID[kind]
    return [
        did if run.complete else f"NOT {did}: the runbook did not come to its end",
        *(f"  done     {step}" for step in done),
        *(f"  already  {step}" for step in run.skipped),
        *(f"  FAILED   {step}: {error}" for step, error in run.failed.items()),
        *(f"  not run  {step}" for step in run.blocked),
        *([f"next: {run.way_out}"] if run.way_out else []),
    ]
