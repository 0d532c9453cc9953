"""Who agreed to a drill, who took part, what they said, and who signed it off: for the pages to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rto_rpo.dossier.dossier import Dossier
from rto_rpo.dossier.finding import Turn
from rto_rpo.evidence.agreed.authority import Attendance, Authority, Said, authority
from rto_rpo.evidence.agreed.charter import Charter
from rto_rpo.evidence.agreed.person import signed_with, standing
from rto_rpo.evidence.lines.line import Recorded

STANDING = {
    "signed": "signed by key {key}",
    "claimed": "claimed, not signed",
    "unlisted": "signed by key {key}, which the plan does not list",
}


def of(dossier: Dossier) -> Authority | None:
    """All that is on record of the run's people; None where there is no run."""
    if dossier.run is None:
        return None
    return authority(dossier.run.record, dossier.charter, dossier.shelf.said)


def stand(said: Said) -> str:
    """How far the name may be believed, in words."""
    return STANDING[said.standing].format(key=said.key)


def turned(turn: Turn) -> str:
    """Who turned a finding, and how far the name may be believed; nothing where a run did."""
    if turn.by is None:
        return ""
    return f"{turn.by} ({STANDING[turn.standing or 'claimed'].format(key=turn.key)})"


def minuted(line: Recorded, charter: Charter | None) -> str:
    """How far the name under a line of minutes may be believed, in words."""
    found = standing(line, charter.roles if charter else ())
    return STANDING[found].format(key=signed_with(line))


def decided(said: Sequence[Said]) -> str:
    """What was decided, by whom, and how far each may be believed: "accepted by the reviewer (signed)"."""
    return ", ".join(
        f"{one.decision} by {f'the {one.role}' if one.role else one.name} ({one.standing})" for one in said
    )


def came(attendance: Attendance) -> str:
    """What is on record of somebody, in a few words."""
    claimed = " (claimed, not signed)" if attendance.claimed else ""
    if attendance.absent:
        return f"absent{claimed}"
    told = {
        "called": attendance.called,
        "acknowledged": attendance.acknowledged,
        "joined": attendance.joined,
        "left": attendance.left,
    }
    seen = ", ".join(name for name, at in told.items() if at)
    return f"{seen}{claimed}" if seen else "nothing"


def attended(found: Authority) -> list[Attendance]:
    """Everybody, when anybody at all is on record: a list of planned names alone shows nothing."""
    shown = [one for one in found.attendance if came(one) != "nothing"]
    return list(found.attendance) if shown else []


def roles(dossier: Dossier, found: Authority) -> Iterator[tuple[str, str, str]]:
    """(role, planned, actual) of the executor and of every role that was planned or signed."""
    charter = dossier.charter
    planned = {role.role: role.name for role in charter.roles} if charter else _declared(dossier)
    actual = {one.role: _signed_off(found.sign_offs, one.role) for one in found.sign_offs if one.role}
    started = f"{charter.executor.name} ({charter.executor.how})" if charter else ""
    signed = f"; {actual['executor']}" if "executor" in actual else ""
    yield "executor", planned.get("executor", "not planned by name"), started + signed
    for role in (one for one in dict.fromkeys([*planned, *actual]) if one != "executor"):
        yield role, planned.get(role, ""), actual.get(role, "")


def _signed_off(said: Sequence[Said], role: str) -> str:
    """The last word of everybody who spoke in that role: nobody's acceptance lifts another's refusal."""
    last = {(one.name, one.key): one for one in said if one.role == role}
    return "; ".join(
        f"{'signed off' if one.decision == 'accepted' else 'refused'} by {one.name} ({stand(one)})"
        for one in last.values()
    )


def _declared(dossier: Dossier) -> dict[str, str]:
    named = ((role, dossier.declared.text(f"roles.{role}.name")) for role in dossier.declared.nouns("roles"))
    return {role: name for role, name in named if name}
