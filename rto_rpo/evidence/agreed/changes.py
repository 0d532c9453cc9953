"""What changed between two plans, from their files alone: objectives, scope, exclusions, thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict

Subject = Literal["objectives", "scope", "exclusions", "thresholds", "people", "other"]
# Keeps every scalar the text that was written, as the plan's own reader does, and is of the same make:
# the one in C takes "[who?]", the one in Python does not.
LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
DEPTH_MAX: Final = 64
LEAVES_MAX: Final = 50_000

_THRESHOLDS: Final = {
    *("late", "stable", "deadline", "limit", "every", "refused", "silent", "rate", "interval", "tolerance"),
    *("margin", "retention", "schedule", "keep", "max", "min"),
}
_SCOPE: Final = {"sites", "repositories", "datasets", "services", "drills", "tabletops", "failover"}


class Change(BaseModel):
    """One value. None: it was not there before, or is not there any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Subject
    place: str
    before: str | None
    after: str | None


def changes(before: bytes, after: bytes) -> list[Change] | None:
    """Every value that differs, sorted by place. None where one of them is no plan that can be read."""
    old, new = _leaves(before), _leaves(after)
    if old is None or new is None:
        return None
    return [
        Change(
            about=_about(place, old, new), place=".".join(place), before=old.get(place), after=new.get(place)
        )
        for place in sorted(old.keys() | new.keys())
        if old.get(place) != new.get(place)
    ]


def _leaves(plan: bytes) -> dict[tuple[str, ...], str] | None:
    try:
        content = yaml.load(plan, Loader=LOADER)  # noqa: S506 - it makes nothing but text
        found: dict[tuple[str, ...], str] = {}
        for place, text in _walk(content, ()):
            if len(found) >= LEAVES_MAX:
                return None
            found[place] = text
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    return found if isinstance(content, dict) else None


def _walk(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - any YAML
    if len(place) > DEPTH_MAX:
        raise ValueError("nested too deep")
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _walk(each, (*place, str(name)))
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield place, "[" + ", ".join(value) + "]"
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _walk(each, (*place, str(number)))
    else:
        yield place, "{}" if value == {} else str(value)


def _about(place: tuple[str, ...], *plans: dict[tuple[str, ...], str]) -> Subject:
    words = set(place)
    if place[-1] in ("rto", "rpo"):
        return "objectives"
    if any("exclu" in word or word in ("blackout", "not_tested") for word in place):
        return "exclusions"
    if place[0] == "roles":
        return "people"
    if place[0] == "drills" and "judge" in words:
        return "scope"
    if words & _THRESHOLDS:
        return "thresholds"
    noun = place[:2]
    if place[0] in _SCOPE and not all(any(one[:2] == noun for one in plan) for plan in plans):
        return "scope"
    return "other"
