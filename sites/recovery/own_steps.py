"""The whole runbook of a failover: the table, and what the user put before and after its steps.

A step of the user's own is named `run NAME`, an approval `approve NAME`. `after` and `before` name any step
as the preview does, each other's too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sites.drivers import command
from sites.errors import GateRefused, PlanError
from sites.estate import Estate
from sites.plan import Approval, OwnStep
from sites.recovery import by_hand
from sites.recovery.asking import asker
from sites.recovery.cold import runbook as cold_or_not
from sites.recovery.direction import direction
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.standing import Standing

_NOT_DONE = 1
_LETTERS_KEPT = 2000


def runbook_of(estate: Estate, observe: Observer, *, cold: bool = False) -> list[Step]:
    """Every step of the failover that the plan declares. `runbook.in_order` sorts them.

    `cold`: no replica is trusted; one that is under way goes on as it was begun. Raises GuardError when the
    plan declares none, PlanError for a step of the user's own that has no place.
    """
    standing = Standing(estate.state)
    if standing.under_way == "failover" and standing.begun.run:
        cold = standing.begun.cold
    steps = cold_or_not(estate, observe, cold=cold)
    declared = estate.plan.failover
    if declared is None:
        return steps
    own: dict[str, tuple[Step, OwnStep | Approval]] = {}
    for name, step in declared.steps.items():
        own[f"run {name}"] = (_command_step(estate, name, step), step)
    for name, approval in declared.approvals.items():
        own[f"approve {name}"] = (_approval_step(estate, name, approval, observe), approval)
    return _woven(steps, own)


def _woven(steps: Sequence[Step], own: Mapping[str, tuple[Step, OwnStep | Approval]]) -> list[Step]:
    known = {step.name: step for step in steps} | {name: step for name, (step, _) in own.items()}
    needs = {name: list(step.needs) for name, step in known.items()}
    for name, (_, declared) in own.items():
        if not declared.after and not declared.before:
            raise PlanError(f'step "{name}" of the failover has no place', hint="give it `after` or `before`")
        for other in (*declared.after, *declared.before):
            if other not in known:
                raise PlanError(
                    f'step "{name}" of the failover: no step is named "{other}"',
                    hint="`blackstart failover --preview` without it names them; such as "
                    + ", ".join(f'"{each}"' for each in list(known)[:3]),
                )
        needs[name] += declared.after
        for other in declared.before:
            needs[other].append(name)
    return [replace(step, needs=tuple(dict.fromkeys(needs[name]))) for name, step in known.items()]


@dataclass(frozen=True, slots=True)
class _Commands:
    """The user's commands of one step, and what they find in their environment."""

    env: Mapping[str, str]
    secret_env: Mapping[str, str] = field(repr=False)
    folder: Path

    def run(
        self, argv: tuple[str, ...], limit_seconds: float, ok_codes: tuple[int, ...] = (0,)
    ) -> command.Completed:
        return command.run(
            argv,
            env=self.env,
            secret_env=self.secret_env,
            limit_seconds=limit_seconds,
            cwd=self.folder,
            ok_codes=ok_codes,
        )


def _command_step(estate: Estate, name: str, declared: OwnStep) -> Step:
    """Secrets are looked up when the step runs: a preview needs none of them."""
    way = direction(estate)
    old, new = way.old, way.new
    said = " ".join(declared.do)

    def commands() -> _Commands:
        env, secret_env = estate.environment(declared.env)
        return _Commands(
            {**env, "BLACKSTART_SITE": new, "BLACKSTART_FROM": old}, secret_env, estate.plan.folder
        )

    def do(limit_seconds: float) -> Detail:
        ended = commands().run(declared.do, limit_seconds)
        return {"seconds": ended.seconds, "stderr": ended.stderr[-_LETTERS_KEPT:]}

    def done() -> bool:
        if declared.done is None:
            return False
        return commands().run(declared.done, declared.limit.seconds, (0, _NOT_DONE)).exit_code == 0

    def undo(limit_seconds: float) -> Detail:
        return {"seconds": commands().run(declared.undo or (), limit_seconds).seconds}

    return Step(
        name=f"run {name}",
        says=f"run `{said}`",
        do=do,
        done=done,
        limit_seconds=declared.limit.seconds,
        by_hand=declared.by_hand
        or by_hand.told(
            estate.plan.folder, {**declared.env, "BLACKSTART_SITE": new, "BLACKSTART_FROM": old}, declared.do
        ),
        undo=undo if declared.undo else None,
    )


def _approval_step(estate: Estate, name: str, declared: Approval, observe: Observer) -> Step:
    ask = asker(estate.state, declared.limit.seconds, observe)

    def do(_limit_seconds: float) -> Detail:
        answer = ask(f"approve {name}", declared.ask)
        if answer.decision != "approved":
            raise GateRefused(
                f'"{declared.ask}": {answer.decision} by {answer.by}',
                hint="ask again: blackstart failover --resume",
            )
        return {"by": answer.by, "account": answer.account, "waited_seconds": answer.waited_seconds}

    return Step(
        name=f"approve {name}",
        says=f"ask a person: {declared.ask}",
        do=do,
        done=lambda: False,  # what was approved once is asked again: much may have changed since
        limit_seconds=declared.limit.seconds,
        by_hand=f"# decide: {declared.ask}",
        undo=lambda _limit_seconds: {},
    )
