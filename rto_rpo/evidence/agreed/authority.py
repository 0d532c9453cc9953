"""Who had a part in a run, as the chain has it: approvals, presence, sign-offs, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rto_rpo.evidence.agreed.charter import Charter, Role
from rto_rpo.evidence.agreed.person import Standing, acting, executor, same, separation, signed_with, standing
from rto_rpo.evidence.lines.history import RunRecord
from rto_rpo.evidence.lines.line import Recorded
from rto_rpo.evidence.lines.record import Approval, Note, Presence, SignOff


@dataclass(frozen=True, slots=True)
class Said:
    """One record as a report tells it. `decision` is of approvals and sign-offs only.

    `key` is the identity of the key that signed it: whoever knows that person's can compare.
    """

    utc: str
    what: str
    name: str
    role: str | None
    standing: Standing
    text: str
    decision: str | None = None
    ticket: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """A person planned for a role, or one who came without. UTC times; None: not recorded.

    `claimed`: at least one of these times is not signed by a key that the plan lists.
    `acknowledged_seconds` is from the call to the acknowledgement, on the clock of who wrote them down.
    """

    person: str
    role: str | None
    planned: bool
    called: str | None
    acknowledged: str | None
    joined: str | None
    left: str | None
    absent: bool
    acknowledged_seconds: float | None
    claimed: bool


@dataclass(frozen=True, slots=True)
class Authority:
    """`problems` say what a reader must know: who is missing, claimed only, or the same person twice."""

    approvals: tuple[Said, ...]
    attendance: tuple[Attendance, ...]
    notes: tuple[Said, ...]
    deviations: tuple[Said, ...]
    sign_offs: tuple[Said, ...]
    problems: tuple[str, ...]


def authority(record: RunRecord, charter: Charter | None, records: Sequence[Recorded]) -> Authority:
    """Everything about one run. `records` are all of the chain: approvals come before there is a run."""
    roles = charter.roles if charter else []
    given = approvals(record, charter, records)
    about = record.of_this_closing
    problems = list(separation(charter, about)) if charter else ["nothing was agreed before this run"]
    if not any(line.entry.decision == "accepted" for line in given if isinstance(line.entry, Approval)):
        problems.append("nobody's approval before it is on record")
    if given and isinstance(given[-1].entry, Approval) and given[-1].entry.decision == "refused":
        problems.append(f'"{given[-1].entry.by.name}" refused it, and it was run all the same')
    problems += approval_faults(given, charter, about) if charter else ()
    return Authority(
        approvals=tuple(_said(line, roles) for line in given),
        attendance=tuple(_attendance(about, roles)),
        notes=tuple(_said(line, roles) for line in about if _is(line, "note")),
        deviations=tuple(_said(line, roles) for line in about if _is(line, "deviation")),
        sign_offs=tuple(_said(line, roles) for line in about if isinstance(line.entry, SignOff)),
        problems=tuple(problems),
    )


def approvals(record: RunRecord, charter: Charter | None, records: Sequence[Recorded]) -> list[Recorded]:
    """What was decided about this drill before it was opened, in force then, for what it would do.

    Its place is up to whoever holds the chain's key; the time that a person signed is not. A refusal counts
    at any time.
    """
    opened = record.opened
    return [
        line
        for line in records
        if isinstance(line.entry, Approval)
        and charter is not None
        and line.entry.confirm == charter.confirm
        and (line.plan, line.drill) == (opened.plan, opened.drill)
        and line.seq < opened.seq
        and (line.utc <= opened.utc or line.entry.decision == "refused")
        and (line.entry.until is None or line.entry.until >= opened.utc)
    ]


def approval_faults(given: Sequence[Recorded], charter: Charter, about: Sequence[Recorded]) -> Iterator[str]:
    """Why an approval may be less than another person's leave. `about` is what was said of the run itself."""
    ran = executor(charter, about)
    for line in given:
        who = acting(line, charter.roles)
        if who.standing != "signed":
            yield f'the approval of "{who.name}" is not signed by a key that the plan lists'
        elif not any(each.role == "approver" and each.public == who.key for each in charter.roles):
            yield f'the approval of "{who.name}" is signed, but the plan names somebody else for that'
        if who.name.casefold() == ran.name.casefold():
            yield f'"{who.name}" approved the drill and ran it'
        elif same(who, ran):
            yield f'"{who.name}" approved the drill with the key of "{ran.name}", who ran it'


def _is(line: Recorded, what: str) -> bool:
    return isinstance(line.entry, Note) and line.entry.what == what


def _said(line: Recorded, roles: Sequence[Role]) -> Said:
    entry = line.entry
    return Said(
        utc=line.utc,
        what=entry.what,
        name=entry.by.name,
        role=entry.by.role,
        standing=standing(line, roles),
        text=entry.text,
        decision=entry.decision if isinstance(entry, Approval | SignOff) else None,
        ticket=entry.ticket if isinstance(entry, Approval) else None,
        key=signed_with(line),
    )


def _attendance(about: Sequence[Recorded], roles: Sequence[Role]) -> Iterator[Attendance]:
    came: dict[str, dict[str, str]] = {}
    claimed: set[str] = set()
    for line in about:
        entry = line.entry
        if isinstance(entry, Presence) and entry.state not in came.setdefault(entry.person, {}):
            came[entry.person][entry.state] = entry.at or line.utc
            if standing(line, roles) != "signed":
                claimed.add(entry.person)
    for role in roles:
        yield _attended(role.name, role.role, came.get(role.name, {}), claimed=role.name in claimed)
    for person in sorted(came.keys() - {role.name for role in roles}):
        yield _attended(person, None, came[person], claimed=person in claimed)


def _attended(person: str, role: str | None, times: dict[str, str], *, claimed: bool) -> Attendance:
    called, acknowledged = times.get("called"), times.get("acknowledged")
    seconds = None
    if called is not None and acknowledged is not None:
        seconds = (datetime.fromisoformat(acknowledged) - datetime.fromisoformat(called)).total_seconds()
    return Attendance(
        person=person,
        role=role,
        planned=role is not None,
        called=called,
        acknowledged=acknowledged,
        joined=times.get("joined"),
        left=times.get("left"),
        absent="absent" in times,
        acknowledged_seconds=seconds,
        claimed=claimed,
    )
