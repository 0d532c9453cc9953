"""What changed between two plans, from their files alone: objectives, scope, exclusions, thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict

from rto_rpo.evidence.agreed.subject import About, Subject, subject

# Keeps every scalar the text that was written, as the plan's own reader does, and is of the same make:
# the one in C takes "[who?]", the one in Python does not.
LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
DEPTH_MAX: Final = 64
LEAVES_MAX: Final = 50_000


class Change(BaseModel):
    """One value. None: it was not there before, or is not there any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Subject
    place: str
    before: str | None
    after: str | None


def changes(before: bytes, after: bytes, about: About = subject) -> list[Change] | None:
    """Every value that differs, sorted by place. None where one of them is no plan that can be read."""
    old, new = _leaves(before), _leaves(after)
    if old is None or new is None:
        return None
    return [
        Change(
            about=about(place, old, new), place=".".join(place), before=old.get(place), after=new.get(place)
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
