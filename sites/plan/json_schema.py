"""The JSON Schema of a plan, for editors to complete and check it as it is written."""

from __future__ import annotations

from typing import Any

from rto_rpo.objective import Duration
from sites.plan.agreed import agreed
from sites.plan.plan import Plan
from sites.plan.problem import Place

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_NARROW = ("pattern", "enum")
_AGREED = "agreed with people"


def schema() -> dict[str, Any]:
    """The schema of a plan as it is written: text may hold a variable, but where people agree to it."""
    described = Plan.model_json_schema(by_alias=True)
    _mark(described, described["$defs"], ())
    written = {name: _as_written(value) for name, value in described.items()}
    return {"$schema": DIALECT, **written, "title": "blackstart plan"}


def _mark(node: dict[str, Any], nouns: dict[str, Any], place: Place) -> None:
    """Mark every scalar that is agreed with people: no variable may stand there."""
    node = nouns[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    if agreed(place) and isinstance(node.get("type"), str):
        node[_AGREED] = True
    for key, child in node.get("properties", {}).items():
        _mark(child, nouns, (*place, key))
    below = [node.get("additionalProperties"), node.get("items"), *node.get("patternProperties", {}).values()]
    for child in below:
        if isinstance(child, dict):
            _mark(child, nouns, (*place, "*"))
    for child in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        _mark(child, nouns, place)


def _default(value: object) -> object:
    """A length of time, which the model knows in nanoseconds, as it is written in a plan."""
    if isinstance(value, dict):
        return (
            str(Duration(value["ns"]))
            if value.keys() == {"ns"}
            else {k: _default(v) for k, v in value.items()}
        )
    return [_default(each) for each in value] if isinstance(value, list) else value


def _as_written(node: object) -> object:
    """Allow "${NAME}" for every scalar that would not allow it by itself."""
    if isinstance(node, list):
        return [_as_written(item) for item in node]
    if not isinstance(node, dict):
        return node
    walked = {key: _default(value) if key == "default" else _as_written(value) for key, value in node.items()}
    if walked.pop(_AGREED, False):
        return {**walked, "not": _VARIABLE} if node["type"] == "string" else walked
    scalar = node.get("type") in ("integer", "number", "boolean")
    narrow = node.get("type") == "string" and any(key in node for key in _NARROW)
    if not (scalar or narrow) or node == _VARIABLE:
        return walked
    said = {key: walked.pop(key) for key in ("title", "description", "default") if key in walked}
    return {**said, "anyOf": [walked, _VARIABLE]}
