"""A stored report held against the one that plan and ledger give now, whatever form it was written in."""

from __future__ import annotations

import json
import re
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


def other_form(report: Path) -> str | None:
    """The schema of a report that was written in another form than today's."""
    content = stored(report)
    schema = content.get("schema") if isinstance(content, dict) else None
    known = isinstance(schema, str) and _FORM.fullmatch(schema)
    return schema if known and schema != REPORT_SCHEMA else None


def differing(report: Path, computed: dict[str, Any]) -> list[str]:
    """The members in which a report differs: byte for byte in today's form, else in what both forms hold."""
    content = stored(report)
    if content is None:
        return ["it is not JSON"]
    if not isinstance(content, dict):
        return ["it is not an object"]
    if other_form(report):
        held = [name for name in computed if name in content or name in DECIDED]
        return sorted(
            name for name in held if name != "schema" and not _agree(content.get(name), computed[name])
        )
    if report.read_bytes() == to_json(computed):
        return []
    names = sorted(content.keys() | computed.keys())
    return [name for name in names if content.get(name) != computed.get(name)] or ["its spelling"]


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
