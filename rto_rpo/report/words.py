"""Numbers as a person reads them. Bounds are rounded outwards, so that no rounding ever flatters."""

from __future__ import annotations

import json
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from rto_rpo.objective import Duration, DurationError, parse_duration

_NANOSECOND = Decimal("1e-9")
# All other nanoseconds are moments of a clock that nobody reads.
_LENGTHS = {"late_ns", "limit_ns", "length_ns", "interval_ns", "stable_ns"}
_SHARES = {"_seconds": 1.0, "_ms": 1e3}  # of a second
NONE_SEEN = "not measured"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_UNITS = {"ms": "ms", "s": "s", "m": "min", "h": "h", "d": "day", "w": "week", "y": "year"}


def declared(seconds: float) -> str:
    """30 -> "30 s", 900 -> "15 min", 0 -> "0 s"."""
    text = str(Duration(round(seconds * 1e9)))
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _UNITS[text.removeprefix(number)]
    return f"{number} {unit}" + ("s" if unit in {"day", "week", "year"} and number != "1" else "")


def promised(text: str) -> str:
    """A promise as a plan writes it, in the units that people read: "15m" -> "15 min"."""
    try:
        return declared(parse_duration(text).seconds)
    except DurationError:
        return text  # a plan that cannot be run was frozen all the same


def length(seconds: float) -> str:
    """A measured length, rounded to the nearest: "733 ms", "12.400 s", "3 min 12.4 s"."""
    return _length(seconds, ROUND_HALF_EVEN)


def at_least(seconds: float) -> str:
    """A lower bound, rounded down."""
    return _length(seconds, ROUND_FLOOR)


def at_most(seconds: float) -> str:
    """An upper bound, rounded up."""
    return _length(seconds, ROUND_CEILING)


def bounds(lower_seconds: float | None, upper_seconds: float | None) -> str:
    """What was measured, in words: "0.41 s to 0.73 s", "more than 12 s", "nothing"."""
    if lower_seconds is None and upper_seconds is None:
        return NONE_SEEN
    if upper_seconds is None:
        return f"at least {at_least(lower_seconds or 0)}, no upper bound"
    if lower_seconds is None:
        return f"at most {at_most(upper_seconds)}"
    if lower_seconds == upper_seconds == 0:
        return "0 s"
    return f"{at_least(lower_seconds)} to {at_most(upper_seconds)}"


def offset(seconds: float) -> str:
    """A place on the timeline, from f0: "+0.733 s"."""
    sign = "\N{MINUS SIGN}" if seconds < 0 else "+"
    return f"{sign}{Decimal(repr(abs(seconds))).quantize(Decimal('0.001'))} s"


def told(name: str, value: object) -> str:
    """One entry of an event's detail: lengths of time in units that people read, all else as it stands."""
    unit = next((one for one in _SHARES if f"_{name}".endswith(one)), "_ns" if name in _LENGTHS else None)
    if unit and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        what = f"_{name}".removesuffix(unit)[1:].replace("_", " ")
        return f"{what or 'lasted'}: {length(value / _SHARES.get(unit, 1e9))}"
    plain = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"{name}: {plain}"


def count(number: int, noun: str, plural: str = "") -> str:
    """(1, "write") -> "1 write"; (12345, "write") -> "12,345 writes"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def numbers(values: list[int], limit: int = 20) -> str:
    """Numbers in order, stretches drawn together, at most `limit` of them spelled out."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    shown = [str(a) if a == b else f"{a}\N{EN DASH}{b}" for a, b in runs[:limit]]
    hidden = sum(b - a + 1 for a, b in runs[limit:])
    return ", ".join(shown) + (f" and {hidden:,} more" if hidden else "")


def when(utc: str | None) -> str:
    """ "2026-11-22T06:00:12.345678Z" -> "22 November 2026, 06:00:12 UTC"."""
    if not utc:
        return "an unknown day"
    return f"{int(utc[8:10])} {_MONTHS[int(utc[5:7]) - 1]} {utc[:4]}, {utc[11:19]} UTC"


def moment(utc: str) -> str:
    """ "2026-11-22T06:00:12.345678Z" -> "2026-11-22 06:00:12": for tables, whose heads say that it is UTC."""
    return utc[:19].replace("T", " ")


def _length(seconds: float, rounding: str) -> str:
    exact = Decimal(repr(seconds)).quantize(_NANOSECOND, ROUND_HALF_EVEN)
    if exact == 0:
        return "0 s"
    if exact < 1:
        number = _rounded(exact * 1000, "0.1" if exact < Decimal("0.01") else "1", rounding)
        return "1 s" if number == "1000" else f"{number} ms"
    if exact < 60:
        return f"{_rounded(exact, '0.001' if exact < 10 else '0.01', rounding)} s"
    tenths = exact.quantize(Decimal("0.1"), rounding)
    hours, rest = divmod(tenths, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{_trim(number)} {unit}" for number, unit in parts if number)


def _rounded(value: Decimal, step: str, rounding: str) -> str:
    return _trim(value.quantize(Decimal(step), rounding))


def _trim(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
