"""Declared objectives: lengths of time as people write them, such as "15m" or "250ms"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_UNITS_NS = {
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
    "w": 7 * 86400 * 10**9,
    "y": 365 * 86400 * 10**9,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")


class DurationError(ValueError):
    """The text is not a duration. The message says what is allowed."""


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, exact to the nanosecond."""

    ns: int

    @property
    def seconds(self) -> float:
        return self.ns / 1e9

    def __str__(self) -> str:
        for unit in ("y", "w", "d", "h", "m", "s", "ms"):
            if self.ns and self.ns % _UNITS_NS[unit] == 0:
                return f"{self.ns // _UNITS_NS[unit]}{unit}"
        return f"{self.seconds:.9f}".rstrip("0").rstrip(".") + "s" if self.ns else "0s"


def parse_duration(text: object) -> Duration:
    """Read "90s", "1.5h", "1h 30m".

    Raises DurationError for anything else, a bare number included: 30 what?
    """
    compact = text.replace(" ", "") if isinstance(text, str) else ""
    parts = _DURATION.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise DurationError(
            f'{text!r} is not a duration; write a number and a unit, such as "250ms", "30s", "15m" or "2d"'
        )
    return Duration(int(sum(Fraction(number) * _UNITS_NS[unit] for number, unit in parts)))
