"""faults, stop: what damage a drill can do and how it is taken back, and the lever that ends it all."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import DEFAULT_PLAN, Json, Plan, plan_of


def stop(
    plan: Plan = DEFAULT_PLAN,
    release: Annotated[bool, typer.Option("--release", help="Let drills begin again.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "by an operator",
    json: Json = False,
) -> None:
    """Break off the drill that runs, and let none begin until --release."""
    from drills.lever import Lever
    from flows.terminal.answer import answer

    lever = Lever(plan_of(plan).state)
    if release:
        was = lever.release()
        line = "released: drills may begin again" if was else "it was not pulled"
        answer([line], {"pulled": None, "released": was}, as_json=json)
        return
    lever.pull(reason)
    line = f"pulled: {lever.pulled}; a drill that runs is broken off and undone, and none begins"
    answer([line], {"pulled": lever.pulled}, as_json=json)


def faults(json: Json = False) -> None:
    """List the faults that a drill can inject, with what each needs and how it is undone. Needs no plan."""
    from dataclasses import dataclass

    from drills.faults import KINDS
    from drills.faults.kinds import Kind
    from flows.terminal.answer import answer

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
