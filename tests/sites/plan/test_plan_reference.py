"""docs/plan.md tells every key of a plan, with its default and its meaning as the code has them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from sites.plan import Plan
from sites.plan.noun import Noun

REFERENCE = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()


def nouns(annotation: Any, place: str, within: str = "") -> Iterator[tuple[str, type[Noun]]]:
    """Every noun that a plan can hold, with the heading of its section: where it stands, and its kind.

    What has no kind of its own is told apart by that of the site which it belongs to.
    """
    parts = [get_args(annotation)[0]] if get_origin(annotation) is Annotated else list(get_args(annotation))
    if get_origin(annotation) is dict:
        yield from nouns(parts[1], f"{place}.NAME", within)
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple):
        for part in parts:
            yield from nouns(part, place, within)
    elif isinstance(annotation, type) and issubclass(annotation, Noun):
        yield _heading(annotation, place, within), annotation
        within = _kind(annotation) if place == "sites.NAME" else within
        for name, field in annotation.model_fields.items():
            yield from nouns(field.annotation, f"{place}.{field.alias or name}".removeprefix("."), within)


def _kind(noun: type[Noun]) -> str:
    return get_args(noun.model_fields["kind"].annotation)[0] if "kind" in noun.model_fields else ""


def _heading(noun: type[Noun], place: str, within: str) -> str:
    kind = _kind(noun)
    owner = f" at a site of kind `{within}`" if within and not kind else ""
    return f"`{place}` of kind `{kind}`" if kind else f"`{place}`{owner}" if place else "The whole"


def default(field: FieldInfo) -> str:
    """The default as a plan would write it."""
    if field.is_required():
        return "required"
    if field.default is None or field.default_factory is not None or field.default in ({}, ()):
        return "none"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


SECTIONS = {noun: heading for heading, noun in reversed(list(nouns(Plan, "")))}


def rows(noun: type[Noun]) -> list[tuple[str, str, str]]:
    """Key, default and meaning of each key of a noun."""
    fields = noun.model_fields.items()
    return [
        (f"`{field.alias or name}`", default(field), field.description or "this") for name, field in fields
    ]


@pytest.mark.parametrize("noun", SECTIONS, ids=lambda noun: noun.__name__)
def test_every_key_is_in_the_reference(noun: type[Noun]) -> None:
    heading = f"\n### {SECTIONS[noun]}\n"
    assert REFERENCE.count(heading) == 1, heading
    section = REFERENCE.split(heading)[1].split("\n#")[0]
    table = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line[:1] == "|"
    ]
    assert [(key, standard, meaning) for key, _, standard, meaning in table[2:]] == rows(noun)
    assert all(kind for _, kind, _, _ in table)


def test_the_reference_tells_of_nothing_else() -> None:
    headings = {line.removeprefix("### ") for line in REFERENCE.splitlines() if line.startswith("### ")}
    assert headings == set(SECTIONS.values())
