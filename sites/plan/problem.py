"""One thing that is wrong with a plan, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sites.errors import PlanError

SHOWN_MAX = 50
MESSAGE_LETTERS_MAX = 400
STEP_LETTERS_MAX = 64

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`place` is the way from the top of the plan to the value, as keys and list positions; `line` from 1."""

    line: int | None
    place: Place
    message: str

    def told(self, file: str) -> str:
        """One printable line, whatever is in the plan."""
        where = f"{file}:{self.line}" if self.line else file
        place = f"{_short(dotted(self.place), 4 * STEP_LETTERS_MAX)}: " if self.place else ""
        told = f"{where}: {place}{_short(self.message, MESSAGE_LETTERS_MAX)}"
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in told)


def dotted(place: Place) -> str:
    """The way to a value as people write it: drills.kill-primary.judge.orders[0]."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_short(step, STEP_LETTERS_MAX)}" for step in place)
    return "".join(steps).removeprefix(".")


def _short(text: str, letters_max: int) -> str:
    return text if len(text) <= letters_max else f"{text[:letters_max]}..."


def refusal(file: str, problems: Iterable[Problem]) -> PlanError:
    """One error that tells all problems, a line each, in the order of the file."""
    told = [p.told(file) for p in sorted(set(problems), key=lambda p: (p.line or 0, dotted(p.place)))]
    more = [f"{file}: and {len(told) - SHOWN_MAX} more problems"] if len(told) > SHOWN_MAX else []
    return PlanError("\n".join(told[:SHOWN_MAX] + more))
