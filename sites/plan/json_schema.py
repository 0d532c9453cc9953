"""The JSON Schema of a plan, for editors to complete and check it as it is written."""

from __future__ import annotations

from typing import Any

from rto_rpo.objective import Duration
from sites.plan.plan import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"\$\{"}
_NARROW = ("pattern", "enum")


def schema() -> dict[str, Any]:
    """The schema of a plan as it is written: a value may be a variable wherever text may stand."""
    described = Plan.model_json_schema(by_alias=True)
    written = {name: _as_written(value) for name, value in described.items()}
    return {"$schema": DIALECT, **written, "title": "blackstart plan"}


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
    scalar = node.get("type") in ("integer", "number", "boolean")
    narrow = node.get("type") == "string" and any(key in node for key in _NARROW)
    if not (scalar or narrow) or node == _VARIABLE:
        return walked
    said = {key: walked.pop(key) for key in ("title", "description", "default") if key in walked}
    return {**said, "anyOf": [walked, _VARIABLE]}
