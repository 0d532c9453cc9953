"""A stored report held against the one that plan and ledger give now, in today's form or one that was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rto_rpo.report.document import to_json
from rto_rpo.report.model import REPORT_SCHEMA, Report
from rto_rpo.report.older import OLDER_FORMS, current

DECIDED = ("judgements", "run", "verdict")
# told from plan, charter and ledger as they lie there: the same by whatever rules it was judged
_RULELESS = ("charter", "drill", "judge", "ledger", "plan", "run", "undone")


def stored(report: Path) -> object:
    """What the file holds; None where it is no JSON."""
    try:
        return json.loads(report.read_bytes())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Compared:
    """`parts`: the members in which a report differs, or what else is wrong with it. `form`: its schema, if
    that is an older one. `wrong` are those of the parts that no rules whatever would have written so.
    """

    parts: list[str]
    form: str | None = None
    wrong: tuple[str, ...] = ()


def compared(report: Path, computed: dict[str, Any]) -> Compared:
    """A report in today's form byte for byte; one of an older form brought into today's, and then whole.

    One of any other form is not compared at all: a newer blackstart may have written it, or a hand.
    """
    if report.read_bytes() == to_json(computed):
        return Compared([])
    content = stored(report)
    if not isinstance(content, dict):
        none = "it is not JSON" if content is None else "it is not an object"
        return Compared([none], None, (none,))
    form = content.get("schema")
    if form not in {*OLDER_FORMS, REPORT_SCHEMA}:
        unknown = f"schema ({form!r} is no form that this version knows; a newer one may)"
        parts = [*(name for name in DECIDED if content.get(name) != computed[name]), unknown]
        return Compared(parts, None, (unknown,))
    older = form if form in OLDER_FORMS else None
    today = _today(content)
    unlike = _unlike(today, computed)
    wrong = [name for name in unlike if name in _RULELESS] + _unlike_its_form(today)
    parts = list(dict.fromkeys([*unlike, *wrong])) or ([] if older else ["its spelling"])
    return Compared(parts, older, tuple(wrong))


def _unlike_its_form(content: dict[str, Any]) -> list[str]:
    """What is missing in it or too much, by the names of the members around it."""
    try:
        Report.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return [f"{'.'.join(map(str, first['loc']))} ({first['msg']})"]
    return []


def _today(content: dict[str, Any]) -> dict[str, Any]:
    """In today's form; as it is where too much is missing for that."""
    try:
        return current(content)
    except (KeyError, TypeError, AttributeError):
        return content


def _unlike(content: dict[str, Any], computed: dict[str, Any]) -> list[str]:
    names = sorted(content.keys() | computed.keys())
    return [name for name in names if content.get(name) != computed.get(name)]
