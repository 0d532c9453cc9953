"""An act under way: its journal, which is the lock, and where the plan stands, kept in step.

The order of what is written makes every crash tell: the plan stands at the act before its journal has a
line, and no longer does before the journal is put away. So a journal with lines is of the act that is under
way, and where none is, of one that has ended and only was not put away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sites.errors import GuardError, RunbookError
from sites.recovery.asking import Questions
from sites.recovery.begun import Begun
from sites.recovery.journal import Journal, lock_of
from sites.recovery.lock import held
from sites.recovery.standing import Act, Standing

_BEGUN = Begun()
_HASH_MIN = 12


@dataclass(slots=True)
class UnderWay:
    """An act that has begun. Whoever brings it to its end calls one of the two."""

    act: Act
    journal: Journal
    standing: Standing
    state: Path

    def end(self) -> None:
        self.standing.end(self.act)
        self._put_away()

    def abandon(self) -> None:
        self.standing.abandon(self.act)
        self._put_away()

    def _put_away(self) -> None:
        Questions(self.state).clear()
        self.journal.put_away()


@contextmanager
def under_way(
    state: Path,
    act: Act,
    *,
    resume: bool = False,
    taking_back: bool = False,
    ready: Callable[[], None] = lambda: None,
    home: bool | None = None,
    begun: Begun = _BEGUN,
) -> Iterator[UnderWay]:
    """Begin an act under the plan's lock or, with `resume`, go on with one that was cut off, be it to take it
    back (`taking_back`); one of which that had begun goes on no other way.

    `ready` is asked before one begins; `home` and `begun`: see `Standing.begin`. Raises RunbookError when
    another process holds the lock, when an act was cut off, when this one may not follow on what was done
    last; with `resume`, when it was not under way. Raises GuardError for one that began with another plan.
    """
    standing = Standing(state)
    journal = _settled(journal_of(state), standing)
    try:
        _require(act, journal, standing, resume=resume)
        if resume and not taking_back:
            _require_not_taken_back(act, standing.begun)
        if resume:
            _require_plan(act, standing.begun, begun)
        if not resume:
            ready()
            standing.leave(journal.states)  # before that is put away: it tells who may be promoted
            journal.begin_anew()
        standing.begin(act, home=home, begun=begun)
        yield UnderWay(act, journal, standing, state)
    finally:
        journal.close()


def journal_of(state: Path) -> Journal:
    """The journal of a plan, and with it the lock: no site is changed while you hold it.

    Raises RunbookError when somebody does.
    """
    return Journal(_path(state))


def alone(state: Path) -> AbstractContextManager[bool]:
    """Whether nobody else changes a site, and nobody will for as long as the block lasts."""
    return held(lock_of(_path(state)))


def busy(state: Path) -> bool:
    """Whether a living process is changing who serves at this moment."""
    with alone(state) as ours:
        return not ours


def _path(state: Path) -> Path:
    return state / "failover" / "journal.jsonl"


def cut_off(state: Path) -> Act | None:
    """The act that was begun and is not ended. Raises RunbookError while a process is at it."""
    with journal_of(state) as journal:
        going = Standing(state).under_way
        if going is None and journal.unfinished:
            _refuse_stray(journal)
        return going


def _require(act: Act, journal: Journal, standing: Standing, *, resume: bool) -> None:
    going = standing.under_way
    if resume and going != act:
        raise RunbookError(
            f'there is no {act} to resume: the plan stands at "{standing.now}"',
            hint=f"`blackstart {going} --resume`" if going else f"blackstart {act}",
        )
    if not resume and going == act:
        raise RunbookError(
            f"an earlier {act} was cut off (journal {journal.path})", hint=f"blackstart {act} --resume"
        )
    if not resume:
        standing.require(act)


def _require_not_taken_back(act: Act, began: Begun) -> None:
    if began.taken_back:
        raise RunbookError(
            f"the {act} was being taken back when that was cut off, so it does not go on",
            hint=f"blackstart {act} --abandon",
        )


def _require_plan(act: Act, began: Begun, now: Begun) -> None:
    """What another plan means by the same steps may be something else."""
    if began.plan and now.plan and began.plan != now.plan:
        raise GuardError(
            f"the plan is not the one with which this {act} began: "
            f"its SHA-256 is {now.plan[:12]}, and was {began.plan[:12]}",
            hint=f"take the plan as it was; or look at `blackstart {act} --preview`, "
            f"then go on with this one: --confirm {now.plan[:12]}",
        )


def confirm_plan(state: Path, sha256: str, confirmed: str | None) -> None:
    """The act that is under way goes on with this plan, which a person has named. Raises GuardError."""
    if confirmed is None:
        return
    if not sha256.startswith(confirmed) or len(confirmed) < _HASH_MIN:
        raise GuardError(
            f"the SHA-256 of the plan is {sha256[:12]}, not {confirmed}", hint=f"--confirm {sha256[:12]}"
        )
    if Standing(state).under_way is not None:
        with journal_of(state):
            Standing(state).note(plan=sha256)


def _settled(journal: Journal, standing: Standing) -> Journal:
    """What ended and was not put away is put away now."""
    try:
        if standing.under_way is not None:
            return journal
        if journal.unfinished:
            _refuse_stray(journal)
        journal.begin_anew()
    except BaseException:
        journal.close()
        raise
    return journal


def _refuse_stray(journal: Journal) -> None:
    raise RunbookError(
        f"journal {journal.path} tells of steps that were begun and not ended, but nothing is under way",
        hint="look at both sites, then move it aside",
    )
