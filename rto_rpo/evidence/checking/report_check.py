"""A stored report held against the one that plan and ledger give now, in today's form or one that was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rto_rpo.report.document import to_json
from rto_rpo.report.model import REPORT_SCHEMA
from rto_rpo.report.older import OLDER_FORMS, current

DECIDED = ("judgements", "run", "verdict")
UNTOLD = ("versions",)  # what no older form told, and nothing in it can tell


def stored(report: Path) -> object:
    """What the file holds; None where it is no JSON."""
    try:
        return json.loads(report.read_bytes())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Compared:
    """`parts`: the members in which a report differs. `form`: its schema, where that is an older one."""

    parts: list[str]
    form: str | None = None


def compared(report: Path, computed: dict[str, Any]) -> Compared:
    """A report in today's form byte for byte; one of an older form brought into today's, and then whole.

    One of any other form is not compared at all: a newer blackstart may have written it, or a hand.
    """
    if report.read_bytes() == to_json(computed):
        return Compared([])
    content = stored(report)
    if content is None:
        return Compared(["it is not JSON"])
    if not isinstance(content, dict):
        return Compared(["it is not an object"])
    form = content.get("schema")
    if form in OLDER_FORMS:
        return Compared(_unlike(_today(content), computed, UNTOLD), form)
    if form != REPORT_SCHEMA:
        unknown = f"schema ({form!r} is no form that this version knows; a newer one may)"
        return Compared([*(name for name in DECIDED if content.get(name) != computed[name]), unknown])
    return Compared(_unlike(content, computed) or ["its spelling"])


def _today(content: dict[str, Any]) -> dict[str, Any]:
    """In today's form; as it is where too much is missing for that."""
    try:
        return current(content)
    except (KeyError, TypeError, AttributeError):
        return content


def _unlike(content: dict[str, Any], computed: dict[str, Any], without: tuple[str, ...] = ()) -> list[str]:
    names = sorted(content.keys() | computed.keys())
    return [name for name in names if name not in without and content.get(name) != computed.get(name)]


def decided_otherwise(report: Path, computed: dict[str, Any]) -> list[str]:
    """In which of what was decided a report differs, in so far as both forms hold it."""
    content = stored(report)
    if not isinstance(content, dict):
        return []
    return [name for name in DECIDED if not _agree(content.get(name), computed[name])]


def _agree(one: object, other: object) -> bool:
    """Equal, but for members of objects that only one of them has."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_agree(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    return one == other
