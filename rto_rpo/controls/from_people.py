"""Answers that people give, by their own keys: who approved it, who signed it off, who took part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from rto_rpo.controls.answer import YEAR, Answer, Evidence, State
from rto_rpo.controls.witness import accepted, charter_of, last_drill, said_of, unread, upheld
from rto_rpo.dossier.shelf import Run, newest
from rto_rpo.evidence.agreed.authority import approval_faults, approvals
from rto_rpo.evidence.agreed.charter import Charter
from rto_rpo.evidence.agreed.person import executor, separation, signed_with, standing
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Approval, Presence, SignOff

_CALLED_BEFORE = timedelta(days=1)
_ANSWERED = {"acknowledged", "joined"}


def approved(found: Evidence) -> Answer:
    run = last_drill(found)
    charter = charter_of(found, run) if run else None
    if run is None or charter is None or charter.confirm is None:
        return Answer("not tested", "the newest drill names nothing that could have been approved")
    given = approvals(run.record, charter, found.shelf.said)
    if not given:
        return Answer("not tested", "nobody's approval before the newest drill is on record", (run.folder,))
    for told in _refused(given, charter, "refused beforehand"):
        return Answer(*told, (run.folder,))
    said = [line for line in given if isinstance(line.entry, Approval) and line.entry.decision == "accepted"]
    if not said:
        return Answer("not tested", "nobody's approval before the newest drill is on record", (run.folder,))
    last = said[-1]
    for fault in _approval_faults(last, run, charter, accepted(said_of(found, run))):
        return Answer("inconclusive", fault, (run.folder,))
    why = f'"{last.entry.by.name}" accepted it beforehand, by a key of their own'
    return upheld(found, run, Answer("met", why, (run.folder,)))


def _approval_faults(last: Recorded, run: Run, charter: Charter, about: Sequence[Recorded]) -> Iterator[str]:
    yield from approval_faults([last], charter, about)
    if executor(charter, about).standing != "signed":
        yield f'nothing but a name says that "{charter.executor.name}", who ran it, is somebody else'
    if datetime.fromisoformat(last.utc) < datetime.fromisoformat(run.utc) - YEAR:
        yield f"it was approved on {last.utc[:10]}, more than a year before it ran"


def signed_off(found: Evidence) -> Answer:
    run = last_drill(found)
    if run is None:
        return Answer("not tested", "no drill ran in the last year")
    charter, about = charter_of(found, run), said_of(found, run)
    said = [line for line in about if isinstance(line.entry, SignOff)]
    if charter is None or not said:
        return Answer("not tested", "nobody has signed the newest drill off", (run.folder,))
    for told in _refused(said, charter, "the sign-off was refused"):
        return Answer(*told, (run.folder,))
    accepted = [
        line for line in said if isinstance(line.entry, SignOff) and line.entry.decision == "accepted"
    ]
    for fault in separation(charter, accepted):
        return Answer("inconclusive", fault, (run.folder,))
    return upheld(found, run, Answer("met", "three people", (run.folder,)))


def _refused(said: Sequence[Recorded], charter: Charter, what: str) -> Iterator[tuple[State, str]]:
    """The refusals that stand. Who refused may accept later, as surely; who is nobody in the plan has no say.

    One in the name of somebody whom the plan lists, which that person's key did not sign, leaves it open.
    """
    names = {role.name.casefold() for role in charter.roles}
    open_ = dict[str, Recorded]()
    for line in said:
        name, signed = line.entry.by.name.casefold(), standing(line, charter.roles) == "signed"
        if not isinstance(line.entry, Approval | SignOff):
            continue
        if line.entry.decision == "refused" and name in names:
            # a refusal that is only claimed takes nothing from one that was signed
            open_[name] = line if signed else open_.get(name, line)
        elif line.entry.decision == "accepted" and signed:
            open_.pop(name, None)
    signed_ = [line for line in open_.values() if standing(line, charter.roles) == "signed"]
    yield from (("not met", f'{what} by "{line.entry.by.name}"') for line in signed_)
    for line in open_.values():
        yield "inconclusive", f'{what} in the name of "{line.entry.by.name}", whose key did not sign that'


def took_part(found: Evidence) -> Answer:
    """Of the drills and tabletops to which people ever come: an unattended one asks for nobody."""
    attended = {run.drill for run in found.year if any(_presences(found, run))}
    run = newest(found.year, lambda run: run.drill in attended)
    if run is None:
        return Answer("not tested", "no run of the last year says who was called and who answered")
    if run.digest is None and not run.talked:
        return unread(run)
    said = [*_presences(found, run)]
    if not said:
        told = f"nothing says that anybody came to the newest run of {run.drill}: {run.utc[:10]}"
        return Answer("inconclusive", told, (run.folder,))
    charter = charter_of(found, run)
    if charter is None:
        return Answer("inconclusive", "nothing says any more who was to take part", (run.folder,))
    return upheld(found, run, _attended(run, charter, said))


def _attended(run: Run, charter: Charter, said: Sequence[tuple[Presence, Recorded]]) -> Answer:
    people = dict.fromkeys([*(one.person for one, _ in said), *(role.name for role in charter.roles)])
    if odd := [one.person for one, line in said if not _can_be(run, one, line)]:
        return Answer("inconclusive", f"said of a time that cannot be: {', '.join(odd)}", (run.folder,))
    last = {one.person: one.state for one, _ in said if one.state in {*_ANSWERED, "absent"}}
    came = {person for person, state in last.items() if state in _ANSWERED}
    if missing := [name for name in people if name not in came]:
        return Answer("not met", f"did not answer: {', '.join(missing)}", (run.folder,))
    keys = {
        one.person: signed_with(line)
        for one, line in said
        if one.state in _ANSWERED and one.by.name == one.person and standing(line, charter.roles) == "signed"
    }
    if claimed := [name for name in people if name not in keys]:
        return Answer("inconclusive", f"not signed by their own keys: {', '.join(claimed)}", (run.folder,))
    if twice := [pair for pair in combinations(people, 2) if keys[pair[0]] == keys[pair[1]]]:
        return Answer("inconclusive", f"signed with one key: {', '.join(twice[0])}", (run.folder,))
    return Answer("met", f"{len(people)} people answered on {run.utc[:10]}, as signed", (run.folder,))


def _can_be(run: Run, one: Presence, line: Recorded) -> bool:
    """Nobody was there later than it was written down, or called long before the run was opened."""
    if one.at is None:
        return True
    at, opened = datetime.fromisoformat(one.at), datetime.fromisoformat(run.utc)
    return opened - _CALLED_BEFORE <= at <= datetime.fromisoformat(line.utc)


def _presences(found: Evidence, run: Run) -> Iterator[tuple[Presence, Recorded]]:
    """What is on record of who came."""
    for line in said_of(found, run):
        if isinstance(line.entry, Presence):
            yield line.entry, line
