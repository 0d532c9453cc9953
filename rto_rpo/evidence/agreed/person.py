"""A person's own word: signed by the key that the plan lists for that person, or only claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rto_rpo.evidence.agreed.charter import Charter, Role
from rto_rpo.evidence.lines.line import Recorded, canonical
from rto_rpo.evidence.lines.record import AnyEntry, SignOff
from rto_rpo.evidence.lines.signature import PublicKey, SigningKey

Standing = Literal["signed", "claimed", "unlisted"]
"""`signed`: by the key that the plan lists for this name. `unlisted`: signed, by a key that it does not list.
`claimed`: not signed."""


def statement(*, plan: str, run: str | None, drill: str | None, utc: str, entry: AnyEntry) -> bytes:
    """What a person signs: the words, and what and when they are about. Without the signature itself."""
    said = entry.model_dump(mode="json")
    said["by"] = {**said["by"], "signature": None}
    return canonical({"plan": plan, "run": run, "drill": drill, "utc": utc, "entry": said})


def with_signature(
    entry: AnyEntry, key: SigningKey, *, plan: str, run: str | None, drill: str | None, utc: str
) -> AnyEntry:
    """The same words, signed by the person's own key."""
    named = entry.by.model_copy(update={"public": key.public_hex, "signature": None})
    bare = entry.model_copy(update={"by": named})
    signature = key.sign(statement(plan=plan, run=run, drill=drill, utc=utc, entry=bare))
    return bare.model_copy(update={"by": named.model_copy(update={"signature": signature})})


def signature_fault(line: Recorded) -> str | None:
    """Why the person's signature on this record does not hold; None where it does or there is none."""
    by = line.entry.by
    if by.signature is None:
        return f'names a key of "{by.name}", but no signature' if by.public else None
    if by.public is None:
        return f'has a signature of "{by.name}", but names no key'
    said = statement(plan=line.plan, run=line.run, drill=line.drill, utc=line.utc, entry=line.entry)
    if not PublicKey(bytes.fromhex(by.public)).holds(said, by.signature):
        return f'has a wrong signature of "{by.name}": it was edited, or copied from elsewhere'
    return None


def signed_with(line: Recorded) -> str | None:
    """The identity of the key that signed this record; None where nothing proves who said it."""
    by = line.entry.by
    if by.public is None or by.signature is None or signature_fault(line) is not None:
        return None
    return PublicKey(bytes.fromhex(by.public)).identity


def standing(line: Recorded, roles: Sequence[Role]) -> Standing:
    """How far this name may be believed, given the roles that the plan listed."""
    by = line.entry.by
    if by.signature is None or signature_fault(line) is not None:
        return "claimed"
    listed = any(role.public == by.public and role.name == by.name for role in roles)
    return "signed" if listed else "unlisted"


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody in a role, by the key that signed; None: the name is only claimed."""

    name: str
    key: str | None
    standing: Standing


def executor(charter: Charter, records: Sequence[Recorded]) -> Acting:
    """Who ran it: proven by that person's own sign-off in the role of executor, and by nothing else."""
    name = charter.executor.name
    signed = _signed_off(records).get("executor")
    if signed is None or signed.entry.by.name.casefold() != name.casefold():
        return Acting(name, None, "claimed")
    return acting(signed, charter.roles)


def separation(charter: Charter, records: Sequence[Recorded]) -> Iterator[str]:
    """What is wrong with who executed, reviewed and approved; nothing when three listed keys signed."""
    yield from (
        f'"{line.entry.by.name}" refused to sign it off'
        for line in records
        if isinstance(line.entry, SignOff) and line.entry.decision != "accepted"
    )
    signed_off = _signed_off(records)
    people = {"executor": (ran := executor(charter, records))}
    if ran.standing != "signed":
        yield f'the executor "{ran.name}" is {_words(ran.standing)}'
    for role in ("reviewer", "approver"):
        signed = signed_off.get(role)
        if signed is None:
            yield f"no {role} has signed it off"
            continue
        people[role] = acting(signed, charter.roles)
        if people[role].standing != "signed":
            yield f'the {role} "{signed.entry.by.name}" is {_words(people[role].standing)}'
        elif not any(each.role == role and each.name == signed.entry.by.name for each in charter.roles):
            yield f'the {role} "{signed.entry.by.name}" signed, but the plan names somebody else for that'
    yield from _same(people)


def same(one: Acting, other: Acting) -> bool:
    """One key is one person, whatever the names; so is one name."""
    return one.name.casefold() == other.name.casefold() or (one.key is not None and one.key == other.key)


def _signed_off(records: Sequence[Recorded]) -> dict[str | None, Recorded]:
    """The sign-offs that stand, by role: a refusal takes back what was said before it."""
    found: dict[str | None, Recorded] = {}
    for line in records:
        if isinstance(line.entry, SignOff) and line.entry.decision == "accepted":
            found[line.entry.by.role] = line
        elif isinstance(line.entry, SignOff):
            found.pop(line.entry.by.role, None)
    return found


def acting(line: Recorded, roles: Sequence[Role]) -> Acting:
    """Who said it. A key is one person's even where the plan does not list it."""
    by, found = line.entry.by, standing(line, roles)
    return Acting(by.name, None if found == "claimed" else by.public, found)


def _words(found: Standing) -> str:
    return "only claimed: not signed" if found == "claimed" else "signed by a key that the plan does not list"


def _same(people: dict[str, Acting]) -> Iterator[str]:
    for (role, one), (other, again) in combinations(people.items(), 2):
        if one.name.casefold() == again.name.casefold():
            yield f'{role} and {other} are the same person, "{one.name}"'
        elif same(one, again):
            yield f'{role} and {other} signed with one key: "{one.name}" and "{again.name}" are one person'
