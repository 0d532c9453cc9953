"""What a command answers on standard output: lines for people, or the same as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any


def answer(lines: Sequence[str], data: object, *, as_json: bool) -> None:
    """Print either `lines` or `data`: mappings, sequences, dataclasses, dates, paths and plain values."""
    text = json.dumps(plain(data), indent=2, ensure_ascii=False) if as_json else "\n".join(lines)
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The same in JSON's own types. An error becomes its message and hint."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseException):
        return {"error": str(value), "hint": getattr(value, "hint", None)}
    return str(value) if isinstance(value, Path) else value


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned lines; the first row is the heading."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def ago(seconds: float | None) -> str:
    """An age as people say it: "42 s", "17 min", "5 h", "3 d"."""
    if seconds is None:
        return "never"
    for limit, unit_seconds, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit_seconds:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
