"""Who agreed to a drill, who took part, what they said, and who signed it off: as the records have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rto_rpo.dossier.dossier import Dossier
from rto_rpo.evidence.charter import Charter
from rto_rpo.evidence.line import Recorded
from rto_rpo.evidence.person import separation, standing
from rto_rpo.evidence.record import Approval, Note, Presence, SignOff

_STANDING = {
    "signed": "signed",
    "claimed": "claimed, not signed",
    "unlisted": "signed by a key that the plan does not list",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One person's word. `standing`: how far the name may be believed."""

    utc: str
    name: str
    role: str
    standing: str
    what: str
    text: str
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One person's part. `answer_seconds`: from the call to the answer, by the chain's clock."""

    person: str
    states: str
    called: str | None
    answered: str | None
    answer_seconds: float | None


def approvals(dossier: Dossier) -> list[Said]:
    """Approvals that were given before the run began, for just what was run."""
    run, charter = dossier.run, dossier.charter
    if run is None or charter is None or charter.confirm is None:
        return []
    return [
        _said(line, charter, line.entry.decision, line.entry.ticket)
        for line in dossier.shelf.said
        if isinstance(line.entry, Approval) and line.entry.confirm == charter.confirm and line.seq < run.seq
    ]


def sign_offs(dossier: Dossier) -> list[Said]:
    return [
        _said(line, dossier.charter, line.entry.decision)
        for line in _records(dossier)
        if isinstance(line.entry, SignOff)
    ]


def notes(dossier: Dossier, what: str) -> list[Said]:
    """The run's notes, or its deviations."""
    return [
        _said(line, dossier.charter, line.entry.what)
        for line in _records(dossier)
        if isinstance(line.entry, Note) and line.entry.what == what
    ]


def faults(dossier: Dossier) -> list[str]:
    """Why executor, reviewer and approver are not shown to be three people; nothing when they are."""
    if dossier.charter is None:
        return ["nothing was written down of who executes, reviews and approves"]
    return [*separation(dossier.charter, _records(dossier))]


def parts(dossier: Dossier) -> list[Part]:
    """Everybody who was called or came, in the order of their first record."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in _records(dossier):
        if isinstance(line.entry, Presence):
            found.setdefault(line.entry.person, []).append((line.entry.state, line.entry.at or line.utc))
    return [_part(person, states) for person, states in found.items()]


def _part(person: str, states: list[tuple[str, str]]) -> Part:
    first = dict(reversed(states))
    called = first.get("called")
    answered = min((first[one] for one in ("acknowledged", "joined") if one in first), default=None)
    seconds = None
    if called and answered:
        seconds = (datetime.fromisoformat(answered) - datetime.fromisoformat(called)).total_seconds()
    return Part(person, ", ".join(state for state, _ in states), called, answered, seconds)


def roles(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    """(role, planned, actual) of the plan's roles, and the executor."""
    charter = dossier.charter
    planned = {role.role: role.name for role in charter.roles} if charter else _declared(dossier)
    actual = {one.role: f"{one.name} ({one.standing})" for one in sign_offs(dossier)}
    yield (
        "executor",
        "not planned by name",
        f"{charter.executor.name} ({charter.executor.how})" if charter else "",
    )
    for role in dict.fromkeys([*planned, *actual]):
        yield role, planned.get(role, ""), actual.get(role, "")


def _declared(dossier: Dossier) -> dict[str, str]:
    return {
        role: name
        for role in dossier.declared.nouns("roles")
        if (name := dossier.declared.text(f"roles.{role}.name"))
    }


def _records(dossier: Dossier) -> Sequence[Recorded]:
    return dossier.run.record.records if dossier.run else ()


def _said(line: Recorded, charter: Charter | None, what: str, ticket: str | None = None) -> Said:
    by = line.entry.by
    return Said(
        utc=line.utc,
        name=by.name,
        role=by.role or "",
        standing=_STANDING[standing(line, charter.roles if charter else ())],
        what=what,
        text=line.entry.text,
        ticket=ticket,
    )
