"""What a dataset leaves out: one set of patterns, read alike by our manifest and by restic.

A pattern is matched against whole parts of the path below the dataset's root:

    *.tmp          that name, at any depth         (no slash: any depth)
    /scratch       only directly in the root       (a leading slash anchors)
    /logs/*/old    * and ? and [a-z] never cross a slash
    /cache/**/big  ** stands for any number of folders, none included

An excluded folder takes everything below it along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sites.errors import PlanError

_GLOB = re.compile(r"\[[^\]]+\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Raises PlanError for a pattern that would mean different things to different readers."""

    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            _refuse_ambiguous(pattern)

    def predicate(self) -> re.Pattern[str]:
        """Fullmatches the paths (relative to the root, in slashes) that are left out."""
        return re.compile("|".join(_expression(pattern) for pattern in self.patterns) or r"(?!)", re.DOTALL)

    def for_restic(self, root: Path) -> list[str]:
        """The same patterns, anchored at `root`, as restic takes them."""
        anchor = re.sub(r"([*?\[\\])", r"\\\1", str(root)).rstrip("/")
        return [anchor + _anchored(pattern) for pattern in self.patterns]


def exclusion(patterns: Sequence[str]) -> Exclusion:
    return Exclusion(tuple(patterns))


def _refuse_ambiguous(pattern: str) -> None:
    parts = pattern.removeprefix("/").split("/")
    reason = None
    if not all(parts) or "." in parts or ".." in parts:
        reason = "it has an empty, . or .. part"
    elif len(parts) > 1 and not pattern.startswith("/"):
        reason = f'a pattern with a slash starts with one: "/{pattern}", or "/**/{pattern}" for any depth'
    elif any("**" in part and part != "**" for part in parts) or parts[-1] == "**":
        reason = "** stands alone between slashes, and not at the end"
    elif re.search(r"[\\\n\r$]|^\s|\s$|^[!#]|\[[!^]", pattern):
        reason = "backslashes, line ends, $, [^...], and blanks, ! or # at an end are not taken"
    elif re.sub(r"\[[^\[\]]+\]", "", pattern).count("["):
        reason = "a [ is never closed"
    if reason:
        raise PlanError(f"exclude pattern {pattern!r}: {reason}")


def _anchored(pattern: str) -> str:
    return pattern if pattern.startswith("/") else f"/**/{pattern}"


def _expression(pattern: str) -> str:
    parts = _anchored(pattern)[1:].split("/")
    return "".join(
        r"(?:[^/]+/)*" if part == "**" else _part(part) + ("" if last else "/")
        for part, last in zip(parts, [False] * (len(parts) - 1) + [True], strict=True)
    )


def _part(part: str) -> str:
    return "".join(_atom(atom) for atom in _GLOB.findall(part))


def _atom(atom: str) -> str:
    if atom == "*":
        return "[^/]*"
    if atom == "?":
        return "[^/]"
    if len(atom) > 1:
        return "[" + re.sub(r"([&~|\[])", r"\\\1", atom[1:-1]) + "]"
    return re.escape(atom)
