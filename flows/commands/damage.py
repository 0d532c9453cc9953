"""faults: what damage a drill can do, what each kind needs, and how it is taken back."""

from __future__ import annotations

from flows.options import Json


def faults(json: Json = False) -> None:
    """List the faults that a drill can inject, with what each needs and how it is undone. Needs no plan."""
    from dataclasses import dataclass

    from drills.faults import KINDS
    from drills.faults.kinds import Kind
    from flows.answer import answer

    @dataclass(frozen=True, slots=True)
    class Told:
        kind: str
        says: str
        strikes: str
        needs: str
        reversible: bool
        undo: str
        keys: list[str]

    def told(kind: Kind) -> Told:
        keys = [key for key in kind.noun.model_fields if key != "kind"]
        return Told(kind.name, kind.says, kind.strikes, kind.needs, kind.reversible, kind.undo, keys)

    found = [told(kind) for kind in KINDS]
    lines = []
    for one in found:
        keys = f" {{{', '.join(one.keys)}}}" if one.keys else ""
        lines += [
            f"{one.kind}{keys}",
            f"  {one.says}",
            f"  needs  {one.needs}",
            f"  undo   {one.undo if one.reversible else f'IRREVERSIBLE: {one.undo}'}",
        ]
    answer(lines, {"faults": found}, as_json=json)
