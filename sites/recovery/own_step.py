"""One step of the user's own, and one approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sites.drivers import command
from sites.errors import GateRefused
from sites.estate import Estate
from sites.plan import Approval, OwnStep
from sites.recovery import by_hand
from sites.recovery.asking import asker
from sites.recovery.direction import Direction
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.standing import Act

_NOT_DONE = 1
_LETTERS_KEPT = 2000


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


def command_step(estate: Estate, name: str, declared: OwnStep, way: Direction) -> Step:
    """Secrets are looked up when the step runs: a preview needs none of them."""
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


def approval_step(estate: Estate, name: str, declared: Approval, observe: Observer, act: Act) -> Step:
    """A question to a person, named as the step is."""
    ask = asker(estate.state, declared.limit.seconds, observe)

    def do(_limit_seconds: float) -> Detail:
        answer = ask(f"approve {name}", declared.ask)
        if answer.decision != "approved":
            raise GateRefused(
                f'"{declared.ask}": {answer.decision} by {answer.by}',
                hint=f"ask again: blackstart {act} --resume",
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
