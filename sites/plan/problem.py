"""One thing that is wrong with a plan, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sites.errors import PlanError

SHOWN_MAX = 50

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`place` is the way from the top of the plan to the value, as keys and list positions; `line` from 1."""

    line: int | None
    place: Place
    message: str

    def told(self, file: str) -> str:
        where = f"{file}:{self.line}" if self.line else file
        return f"{where}: {dotted(self.place)}: {self.message}" if self.place else f"{where}: {self.message}"


def dotted(place: Place) -> str:
    """The way to a value as people write it: drills.kill-primary.judge.orders[0]."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def refusal(file: str, problems: Iterable[Problem]) -> PlanError:
    """One error that tells all problems, a line each, in the order of the file."""
    told = [p.told(file) for p in sorted(set(problems), key=lambda p: (p.line or 0, dotted(p.place)))]
    more = [f"{file}: and {len(told) - SHOWN_MAX} more problems"] if len(told) > SHOWN_MAX else []
    return PlanError("\n".join(told[:SHOWN_MAX] + more))
