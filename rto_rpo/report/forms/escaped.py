"""Text in GitHub's Markdown in which nothing is markup that was not meant to be, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rto_rpo.report.visible import visible

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$]|:(?=//)|^[#+=-]|(?<=www)(?=\.))")
_LIST = re.compile(r"^(\d+)(?=[.)](?:\s|$))")


def safe(text: str) -> str:
    """The text with nothing in it that Markdown or HTML takes for markup, on one line."""
    return _LIST.sub(r"\1\\", _SPECIAL.sub(r"\\\1", visible(text)))


def code(text: str) -> str:
    """The text for between two backticks."""
    return visible(text).replace("`", "'")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a table; the cells are made safe, the heads are taken as they are."""
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield f"| {' | '.join(safe(cell) for cell in row)} |"
