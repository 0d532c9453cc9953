"""The keys of a chain, one after the other: each rotation is signed by the old key and names the new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rto_rpo.evidence.lines.line import AnyLine, KeyRotated
from rto_rpo.evidence.lines.signature import PublicKey


@dataclass(frozen=True, slots=True)
class Signed:
    """A line, the key that has to have signed it, and where it stands. `line` None: it cannot be read."""

    number: int
    line: AnyLine | None


def first_key(lines: Sequence[AnyLine]) -> PublicKey | None:
    """The key before the first rotation; None where nothing was rotated."""
    found = next((line for line in lines if isinstance(line, KeyRotated)), None)
    return PublicKey(bytes.fromhex(found.old_public)) if found else None


def newest_key(lines: Sequence[AnyLine]) -> str | None:
    """The identity of the key that signs from now on; None where the last line is not signed."""
    if not lines:
        return None
    last = lines[-1]
    return PublicKey(bytes.fromhex(last.new_public)).identity if isinstance(last, KeyRotated) else last.key


def ring(lines: Sequence[AnyLine], first: PublicKey | None) -> tuple[PublicKey, ...]:
    """Every key of the chain in order, the first one first. Whether the rotations hold is told elsewhere."""
    found = [first] if first else []
    for line in lines:
        if isinstance(line, KeyRotated):
            for raw in (line.old_public, line.new_public):
                key = PublicKey(bytes.fromhex(raw))
                if key not in found:
                    found.append(key)
    return tuple(found)


def signature_findings(signed: Sequence[Signed], first: PublicKey | None) -> Iterator[str]:
    """What is wrong with the signatures, `first` being the key of the first signed line.

    A good signature vouches for all lines before it: unsigned ones may come first, never after a signed one.
    """
    key, any_signed = first, False
    for each in signed:
        line = each.line
        if line is None:
            continue
        fault = _fault(line, key, signed=any_signed)
        any_signed = any_signed or line.signature is not None
        if fault:
            yield f"chain line {each.number} ({_about(line)}) {fault}"
        if isinstance(line, KeyRotated):
            yield from (f"chain line {each.number} {wrong}" for wrong in _rotation_faults(line, key))
            key = PublicKey(bytes.fromhex(line.new_public))


def _about(line: AnyLine) -> str:
    return f"{line.kind} {getattr(line, 'folder', '')}".strip()


def _fault(line: AnyLine, key: PublicKey | None, *, signed: bool) -> str | None:
    if line.signature is None:
        if signed:
            return "is not signed, although a line before it is: it was added or edited without the key"
        return f"names key {line.key}, but its signature was taken away" if line.key else None
    if key is None:
        return f"is signed by key {line.key}, and there is no public key to check it with"
    if line.key != key.identity:
        return f"is signed by key {line.key}, not by key {key.identity}"
    if not key.holds(line.signed_bytes(), line.signature):
        return "has a wrong signature: it was edited after it was signed, or signed by another key"
    return None


def _rotation_faults(line: KeyRotated, key: PublicKey | None) -> Iterator[str]:
    if line.signature is None:
        yield "changes the key and is not signed by the old one"
    if key is not None and line.old_public != key.raw.hex():
        yield f"changes another key than {key.identity}, which signed until then"
    if not PublicKey(bytes.fromhex(line.new_public)).holds(line.proven_bytes(), line.proof):
        yield "changes to a key whose holder did not sign that: its proof is wrong"
