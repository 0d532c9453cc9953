"""A drill that is talked through: opened, minuted line by line, closed. Nothing is touched or measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from uuid import uuid4

from drills.agreement import agree_to_talk
from drills.closing import close_unjudged, open_run
from drills.keeping import kept_elsewhere
from drills.records import Speaker, add, made, run_of
from rto_rpo.evidence.lines.record import AnyEntry, By, Presence
from sites.errors import BlackstartError, GuardError
from sites.plan import Plan, Tabletop

STATES: tuple[str, ...] = get_args(Presence.model_fields["state"].annotation)


@dataclass(frozen=True, slots=True)
class Talked:
    """A tabletop that was closed: its folder, and how many lines of minutes the chain holds of it."""

    folder: Path
    run: str
    entries: int
    not_done: tuple[str, ...]


def hold(plan: Plan, name: str, who: Speaker, lines: Iterable[str], tell: Callable[[str], None]) -> Talked:
    """Open the tabletop, enter each line as it is said, and close it when they end.

    A line is a note; "/joined NAME" (or called, acknowledged, left, absent) tells of presence, "/deviation
    TEXT" of what went another way than planned, "@NAME TEXT" of what somebody else said: one word, or the
    whole name of whom the plan or an earlier line names. The run is closed whatever happens. Raises
    GuardError when the plan has no such tabletop, BlackstartError.
    """
    tabletop = _declared(plan, name)
    folder = open_run(plan, str(uuid4()), name, agree_to_talk(plan, tabletop, who.by.name))
    tell(f"Opened: {tabletop.scenario}")
    count, names = 0, {role.name for role in plan.roles.named().values()}
    try:
        run = run_of(plan, folder.run)
        for line in filter(None, (line.strip() for line in lines)):
            try:
                entry, speaker = _entry(line, who, names)
                add(plan, entry, speaker, run=run)
            except BlackstartError as error:
                tell(f"Not entered: {error}")
            else:
                count += 1
                names |= {entry.person} if isinstance(entry, Presence) else set()
    finally:
        close_unjudged(plan, folder)
    return Talked(folder.path, folder.run, count, tuple(kept_elsewhere(plan, folder.run)))


def _declared(plan: Plan, name: str) -> Tabletop:
    if name not in plan.tabletops:
        known = ", ".join(plan.tabletops) or "none"
        raise GuardError(f'no tabletop is named "{name}"', hint=f"declared: {known}")
    return plan.tabletops[name]


def _entry(line: str, who: Speaker, names: Collection[str]) -> tuple[AnyEntry, Speaker]:
    """What a line of the minutes says, and by whom. What others said is never signed by who wrote it down."""
    word, _, rest = line.partition(" ")
    if word.startswith("@") and len(word) > 1:
        name = max((one for one in names if line.startswith(f"@{one} ")), key=len, default=word[1:])
        other, rest = Speaker(By(name=name), None), line[len(name) + 1 :].strip()
        return made("note", other, text=rest), other
    if word == "/deviation":
        return made("deviation", who, text=rest), who
    if word.startswith("/"):
        state, person = word[1:], rest.strip()
        if state not in STATES or not person:
            raise BlackstartError(
                f'"{line}" is not understood; write /{" NAME, /".join(STATES)} NAME, /deviation TEXT'
            )
        return made("presence", who, text="", person=person, state=state), who
    return made("note", who, text=line), who
