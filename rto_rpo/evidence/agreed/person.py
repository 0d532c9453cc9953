"""A person's own word: signed by the key that the plan lists for that person, or only claimed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def standing(line: Recorded, roles: Sequence[Role]) -> Standing:
    """How far this name may be believed, given the roles that the plan listed."""
    by = line.entry.by
    if by.signature is None or signature_fault(line) is not None:
        return "claimed"
    listed = any(role.public == by.public and role.name == by.name for role in roles)
    return "signed" if listed else "unlisted"


def separation(charter: Charter, records: Sequence[Recorded]) -> Iterator[str]:
    """What is wrong with who executed, reviewed and approved; nothing when they are three who signed."""
    signed_off: dict[str | None, Recorded] = {}
    for line in records:
        if isinstance(line.entry, SignOff) and line.entry.decision == "accepted":
            signed_off[line.entry.by.role] = line
        elif isinstance(line.entry, SignOff):
            signed_off.pop(line.entry.by.role, None)
            yield f'"{line.entry.by.name}" refused to sign it off'
    people = {"executor": charter.executor.name}
    for role in ("reviewer", "approver"):
        signed = signed_off.get(role)
        if signed is None:
            yield f"no {role} has signed it off"
            continue
        people[role] = signed.entry.by.name
        if (found := standing(signed, charter.roles)) != "signed":
            yield f'the {role} "{signed.entry.by.name}" is {_words(found)}'
        elif not any(each.role == role and each.name == signed.entry.by.name for each in charter.roles):
            yield f'the {role} "{signed.entry.by.name}" signed, but the plan names somebody else for that'
    yield from _same(people)


def _words(found: Standing) -> str:
    return "only claimed: not signed" if found == "claimed" else "signed by a key that the plan does not list"


def _same(people: dict[str, str]) -> Iterator[str]:
    names = list(people.items())
    for at, (role, name) in enumerate(names):
        for other, again in names[at + 1 :]:
            if name.casefold() == again.casefold():
                yield f'{role} and {other} are the same person, "{name}"'
