"""Take an act back that was cut off or stopped before anything irrevocable."""

from __future__ import annotations

from sites.errors import RunbookError
from sites.estate import Estate
from sites.fences import Fences
from sites.recovery.begun import Begun
from sites.recovery.direction import direction
from sites.recovery.failback import Tables
from sites.recovery.fence import Refusing
from sites.recovery.injection import Hook, nothing
from sites.recovery.respond import require_its_steps
from sites.recovery.runbook import Engine, Observer, Step
from sites.recovery.standing import Standing
from sites.recovery.under_way import under_way
from sites.recovery.ways_out import ways_out


def abandon(estate: Estate, steps: list[Step], observe: Observer, *, at: Hook = nothing) -> tuple[str, ...]:
    """Take back a failover; return what was undone. Where that was cut off it is done again.

    Raises RunbookError when there is none, when some step that was begun cannot be undone, and while the site
    that takes over may take writes: two would then.
    """
    standing = Standing(estate.state)
    if standing.under_way != "failover":
        raise RunbookError(f'there is no failover to abandon: the plan stands at "{standing.now}"')
    as_now = Begun(plan=estate.plan.sha256)
    with under_way(estate.state, "failover", resume=True, taking_back=True, begun=as_now) as begun:
        require_its_steps(begun.journal, steps)
        _require_one_writer(estate, standing)
        engine = Engine(steps, begun.journal, observe, at=at)
        engine.require_undoable()
        standing.note(taken_back=True)
        undone = engine.undo()
        begun.abandon()
    return undone


def abandon_change(
    estate: Estate, tables: Tables, observe: Observer, *, at: Hook = nothing
) -> tuple[str, ...]:
    """Take back a switchover or failback that has promoted nothing: the site that served serves again.

    Raises RunbookError when there is none, and when some step that was begun cannot be undone.
    """
    standing = Standing(estate.state)
    if standing.under_way != tables.kind:
        raise RunbookError(f'there is no {tables.kind} to abandon: the plan stands at "{standing.now}"')
    with under_way(
        estate.state, tables.kind, resume=True, taking_back=True, begun=Begun(plan=tables.plan)
    ) as begun:
        require_its_steps(begun.journal, tables.steps)
        engines = [Engine(steps, begun.journal, observe, at=at) for steps in (tables.then, tables.first)]
        try:
            for engine in engines:
                engine.require_undoable()
        except RunbookError as error:
            raise RunbookError(str(error), hint=ways_out(estate.state, tables.kind)) from error
        standing.note(taken_back=True)
        undone = tuple(name for engine in engines for name in engine.undo())
        begun.abandon()
    return undone


def _require_one_writer(estate: Estate, standing: Standing) -> None:
    """Seen to take writes, it serves; where the fence would be lifted after a cut-off change of sites, it has
    to be seen that it does not.
    """
    way, replaced = direction(estate), standing.replaced
    lifted = Fences(estate.state).raised_by(way.old, standing.begun.run)
    may_serve = replaced is not None and replaced.promoted and lifted
    copies: dict[str, Refusing] = {**estate.replicated(), **estate.promotable(way.new)}
    for name, driver in copies.items():
        proof = driver.refuses_write(way.new)
        if proof.detail.get("takes_writes") or (may_serve and not proof.holds):
            raise RunbookError(
                f'cannot take the failover back: dataset "{name}" at site "{way.new}": {proof.how}',
                hint="go on with --resume",
            )
