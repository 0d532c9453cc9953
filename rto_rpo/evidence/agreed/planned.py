"""What a frozen plan says of people, schedules and holds: a charter and a pruning are held against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from rto_rpo.evidence.agreed.changes import LOADER
from rto_rpo.evidence.agreed.charter import Role

RETENTION: Final = "6y"  # where a plan says nothing, as its own reader has it
_FIXED: Final = ("owner", "executor", "reviewer", "approver")
_NULL: Final = ("", "~", "null", "Null", "NULL")
_DOLLAR: Final = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\})")

Variables = Mapping[str, str] | None
"""The values that the plan's variables took; None where nothing has them, as for a tabletop."""


@dataclass(frozen=True, slots=True)
class Planned:
    """`roles` are (name, key) by role. Every value is text as it is written, with the variables filled in.

    A value with a variable that nobody knows is an `Unknown`, which is like any other. `keyed`: it names a
    key to sign the evidence with.
    """

    roles: dict[str, tuple[str | None, str | None]]
    schedules: dict[str, str]
    hold: str | None
    retention: str
    kinds: dict[str, list[str]]
    keyed: bool

    def names(self, roles: list[Role]) -> bool:
        """Whether these are the people, and their keys."""
        return self.roles == {each.role: (each.name, each.public) for each in roles}


class Unknown(str):
    """Text with a variable whose value nobody knows: it may be any."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)


def planned(plan: bytes, variables: Variables = None) -> Planned:
    """What is not as it should be is left out: the plan was checked before it was frozen."""
    try:
        content = yaml.load(plan, Loader=LOADER)  # noqa: S506 - it makes nothing but text
    except (yaml.YAMLError, RecursionError, ValueError):
        content = None
    roles = tree(content, "roles")
    people = {**{name: roles.get(name) for name in _FIXED}, **tree(roles, "others")}
    nouns = {**tree(content, "drills"), **tree(content, "tabletops")}
    return Planned(
        roles={
            role: (text(who, "name", variables), text(who, "key", variables))
            for role, who in people.items()
            if isinstance(who, dict)
        },
        schedules=dict(_schedules(nouns, variables)),
        hold=text(tree(content, "evidence"), "hold", variables),
        kinds={name: list(_kinds(tree(content, name), variables)) for name in ("sites", "datasets")},
        retention=text(tree(content, "evidence"), "retention", variables) or RETENTION,
        keyed=tree(content, "evidence").get("key") not in (None, *_NULL),
    )


def _kinds(nouns: Mapping[str, Any], variables: Variables) -> Iterator[str]:
    yield from (kind for noun in nouns.values() if (kind := text(noun, "kind", variables)) is not None)


def _schedules(drills: Mapping[str, Any], variables: Variables) -> Iterator[tuple[str, str]]:
    for name, drill in drills.items():
        schedule = text(drill, "schedule", variables)
        if schedule is not None:
            yield name, schedule


def tree(content: object, name: str) -> Mapping[str, Any]:
    """The mapping of this name in a plan's text; empty where there is none."""
    found = content.get(name) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def text(noun: object, name: str, variables: Variables) -> str | None:
    """A value as it is written, with the variables filled in; None where there is none."""
    found = noun.get(name) if isinstance(noun, dict) else None
    return _filled(found, variables) if isinstance(found, str) and found not in _NULL else None


def _filled(text: str, variables: Variables) -> str:
    if variables is None:
        return Unknown(text) if "${" in text else text.replace("$$", "$")
    return _DOLLAR.sub(lambda found: "$" if found[1] else variables.get(found[2], found[3] or ""), text)
