"""A stored report held against the one that plan and ledger give now, whatever form it was written in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rto_rpo.report.document import to_json
from rto_rpo.report.model import REPORT_SCHEMA

_FORM = re.compile(r"blackstart/report/[1-9][0-9]{0,3}")
DECIDED = ("judgements", "run", "verdict")


def stored(report: Path) -> object:
    """What the file holds; None where it is no JSON."""
    try:
        return json.loads(report.read_bytes())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Compared:
    """`parts`: the members in which a report differs. `form`: its schema, where that is not today's."""

    parts: list[str]
    form: str | None = None


def compared(report: Path, computed: dict[str, Any]) -> Compared:
    """A report in today's form byte for byte; one of another form in all that both forms hold."""
    if report.read_bytes() == to_json(computed):
        return Compared([])
    content = stored(report)
    if content is None:
        return Compared(["it is not JSON"])
    if not isinstance(content, dict):
        return Compared(["it is not an object"])
    form = _other_form(content)
    if form is None:
        names = sorted(content.keys() | computed.keys())
        parts = [name for name in names if content.get(name) != computed.get(name)]
        return Compared(parts or ["its spelling"])
    held = sorted(name for name in computed if name in content or name in DECIDED)
    unlike = [name for name in held if not _agree(content.get(name), computed[name])]
    return Compared([name for name in unlike if name != "schema"], form)


def _other_form(content: dict[str, Any]) -> str | None:
    schema = content.get("schema")
    known = isinstance(schema, str) and _FORM.fullmatch(schema)
    return schema if known and schema != REPORT_SCHEMA else None


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
