"""The runbooks whole: the tables, and what the user put before and after their steps.

A step of the user's own is named `run NAME`, an approval `approve NAME`. `after` and `before` name any step
as the preview does, each other's too. Where sites have changed places, so have they in those names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Approval, OwnStep, OwnSteps
from sites.recovery.cold import runbook as cold_or_not
from sites.recovery.direction import Direction, declared_failover, direction
from sites.recovery.own_step import approval_step, command_step
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.standing import Act, Standing

_Own = Mapping[str, tuple[Step, OwnStep | Approval]]


def runbook_of(estate: Estate, observe: Observer, *, cold: bool = False) -> list[Step]:
    """Every step of the failover that the plan declares. `runbook.in_order` sorts them.

    `cold`: no replica is trusted; one that is under way goes on as it was begun. Raises GuardError when the
    plan declares none, PlanError for a step of the user's own that has no place.
    """
    standing = Standing(estate.state)
    if standing.under_way == "failover" and standing.begun.run:
        cold = standing.begun.cold
    steps, declared = cold_or_not(estate, observe, cold=cold), declared_failover(estate)
    own = OwnSteps(steps=declared.steps, approvals=declared.approvals)
    return Weaving(estate, "failover", own, direction(estate), observe).woven([], steps)[1]


@dataclass(frozen=True, slots=True)
class Weaving:
    """Puts the user's own steps of one act into its tables.

    `in_part`: the act is not whole, so that a step whose neighbours do not occur in it is left out.
    """

    estate: Estate
    act: Act
    declared: OwnSteps
    way: Direction
    observe: Observer
    in_part: bool = False

    def woven(self, first: Sequence[Step], then: Sequence[Step]) -> tuple[list[Step], list[Step]]:
        """Both tables, the first of which is done as a whole before anything of the other.

        Raises PlanError for a step that has no place, or has to be in both.
        """
        known = {step.name for step in (*first, *then)}
        own = self._placed(self._own(), known)
        names = {step.name for step in first}
        late = _reached(own, known - names)
        early = _reached(_turned(own), names)
        if both := late & early:
            raise PlanError(
                f'step "{min(both)}" of the {self.act} would come after all of what it is to be before',
                hint=f"`blackstart {self.act} --preview` without it shows the order",
            )
        behind_first = _reached(own, names) - late
        here = early | behind_first
        return (
            _table(first, {name: each for name, each in own.items() if name in here}),
            _table(then, {name: each for name, each in own.items() if name not in here}),
        )

    def _own(self) -> _Own:
        own: dict[str, tuple[Step, OwnStep | Approval]] = {}
        for name, step in self.declared.steps.items():
            made = command_step(self.estate, name, step, self.way)
            if made.undo is None and self.act != "failover":  # taking a change back must not hang on it
                left = f"`{' '.join(step.do)}` was run, and has no undo"
                made = replace(made, undo=partial(_left, left))
            own[f"run {name}"] = (made, step)
        for name, approval in self.declared.approvals.items():
            asks = approval_step(self.estate, name, approval, self.observe, self.act)
            own[f"approve {name}"] = (asks, approval)
        return own

    def _placed(self, own: _Own, known: set[str]) -> _Own:
        """Each with the names of steps that there are. Raises PlanError."""
        placed: dict[str, tuple[Step, OwnStep | Approval]] = {}
        for name, (step, declared) in own.items():
            if not declared.after and not declared.before:
                raise PlanError(
                    f'step "{name}" of the {self.act} has no place', hint="give it `after` or `before`"
                )
            around = {
                side: [self._named(other, known | own.keys()) for other in getattr(declared, side)]
                for side in ("after", "before")
            }
            named = [other for side in around.values() for other in side]
            missing = [other for other in named if other not in known | own.keys()]
            if missing and self.in_part:
                continue
            if missing:
                raise PlanError(
                    f'step "{name}" of the {self.act}: no step is named "{missing[0]}"',
                    hint=f"`blackstart {self.act} --preview` without it names them; such as "
                    + ", ".join(f'"{each}"' for each in sorted(known)[:3]),
                )
            placed[name] = (step, declared.model_copy(update={k: tuple(v) for k, v in around.items()}))
        return placed

    def _named(self, name: str, known: set[str]) -> str:
        """As it is named where the sites have changed places."""
        words = name.split(" ")
        other = {self.way.old: self.way.new, self.way.new: self.way.old}.get(words[-1])
        turned = " ".join([*words[:-1], other]) if other is not None else name
        return turned if name not in known and turned in known else name


def _left(what: str, _limit_seconds: float) -> Detail:
    return {"left": what}


def _reached(own: _Own, of: set[str]) -> set[str]:
    """The own steps that come after any of those, directly or by way of each other."""
    reached: set[str] = set()
    while True:
        found = {
            name
            for name, (_, declared) in own.items()
            if (of | reached).intersection(declared.after)
            or any(name in own[other][1].before for other in reached)
        }
        if found <= reached:
            return reached
        reached |= found


def _turned(own: _Own) -> _Own:
    """The same, told from its end."""
    return {
        name: (step, declared.model_copy(update={"after": declared.before, "before": declared.after}))
        for name, (step, declared) in own.items()
    }


def _table(steps: Sequence[Step], own: _Own) -> list[Step]:
    """What is named and not in this table is in the other one, which is done as a whole before or after."""
    known = {step.name: step for step in steps} | {name: step for name, (step, _) in own.items()}
    needs = {name: list(step.needs) for name, step in known.items()}
    for name, (_, declared) in own.items():
        needs[name] += [other for other in declared.after if other in known]
        for other in declared.before:
            if other in known:
                needs[other].append(name)
    return [replace(step, needs=tuple(dict.fromkeys(needs[name]))) for name, step in known.items()]
