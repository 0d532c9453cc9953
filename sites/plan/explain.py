"""What a validation error means, in the plan's own words."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from sites.plan.noun import Noun, among
from sites.plan.plan import Plan
from sites.plan.problem import Place

QUOTED_LETTERS_MAX = 60
_SHAPES = {
    "model_type": 'a mapping ("key: value")',
    "model_attributes_type": 'a mapping ("key: value")',
    "dict_type": 'a mapping ("key: value")',
    "tuple_type": 'a list ("[a, b]")',
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def explain(error: ErrorDetails) -> tuple[Place, str]:
    """The place in the plan that a validation error is about, and what to tell about it."""
    place, owner, annotation = walk(error["loc"])
    kind, said = error["type"], error.get("ctx", {})
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _about_kind(place, annotation, error["input"])
    if kind == "missing":
        return place, "missing; it is required"
    if kind == "extra_forbidden" and owner is not None:
        return place, f"unknown key; {among(str(place[-1]), keys(owner), 'allowed')}"
    if kind in _SHAPES:
        return place, f"must be {_SHAPES[kind]}, not {_quoted(error['input'])}"
    if kind == "literal_error":
        return place, f"must be {_expected(said['expected'])}, not {_quoted(error['input'])}"
    if kind == "value_error":
        return place, str(said["error"])
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = f"at least {said['ge']}" if "ge" in said else f"at most {said['le']}"
        return place, f"must be {bound}, not {_quoted(error['input'])}"
    if kind in ("too_short", "string_too_short"):
        return place, "must not be empty"
    return place, error["msg"]


def _about_kind(place: Place, annotation: object, written: object) -> tuple[Place, str]:
    if not isinstance(written, dict):
        return place, f"must be {_SHAPES['dict_type']}, not {_quoted(written)}"
    kinds = [tag for member in _members(annotation) for tag in _tags(member)]
    if "kind" not in written:
        return (*place, "kind"), f"missing; it is required; {among('', kinds, 'allowed')}"
    kind = str(written["kind"])
    return (*place, "kind"), f"{_quoted(kind)} is no kind known here; {among(kind, kinds, 'allowed')}"


def keys(noun: type[Noun]) -> list[str]:
    """The keys of a noun, as they are written in a plan."""
    return [field.alias or name for name, field in noun.model_fields.items()]


def walk(loc: Iterable[str | int]) -> tuple[Place, type[Noun] | None, object]:
    """The place in the plan that a location of pydantic names.

    With the noun that the last step is a key of, and the annotation of what is found there.
    """
    place: list[str | int] = []
    owner: type[Noun] | None = None
    annotation: object = Plan
    for step in loc:
        members = _members(annotation)
        if len(members) > 1:  # the step names no key, but which kind of noun was chosen
            annotation = next((member for member in members if step in _tags(member)), None)
        elif step != "[key]":
            owner = members[0] if members else None
            annotation = _below(annotation, step)
            place.append(step)
    return tuple(place), owner, annotation


def _below(annotation: object, step: str | int) -> object:
    """The annotation of what is found one step below a noun, a mapping or a list."""
    if isinstance(annotation, type) and issubclass(annotation, Noun):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return _stripped(fields[str(step)].annotation) if str(step) in fields else None
    arguments = get_args(annotation)
    return _stripped(arguments[1 if get_origin(annotation) is dict else 0]) if arguments else None


def _stripped(annotation: object) -> object:
    """Without Annotated and without None."""
    if get_origin(annotation) is Annotated:
        return _stripped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        left = [part for part in get_args(annotation) if part is not type(None)]
        return _stripped(left[0]) if len(left) == 1 else annotation
    return annotation


def _members(annotation: object) -> list[type[Noun]]:
    """The nouns that may stand here."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    parts = tuple(_stripped(part) for part in parts)
    return [part for part in parts if isinstance(part, type) and issubclass(part, Noun)]


def _tags(noun: type[Noun]) -> tuple[str, ...]:
    return get_args(noun.model_fields["kind"].annotation) if "kind" in noun.model_fields else ()


def _expected(choices: object) -> str:
    return str(choices).replace("'", '"')


def _quoted(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value)
    return f'"{text if len(text) <= QUOTED_LETTERS_MAX else text[:QUOTED_LETTERS_MAX] + "..."}"'
