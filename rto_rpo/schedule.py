"""When something is due: five cron fields, in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

_LIMITS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class ScheduleError(ValueError):
    """The text is not five cron fields."""


def due(schedule: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """Every minute in [since, until) at which it is due. Raises ScheduleError.

    As in every cron: where both day and weekday are limited, one of them is enough.
    """
    minutes, hours, days, months, weekdays = _fields(schedule)
    either = "*" not in (schedule.split()[2][0], schedule.split()[4][0])
    start = since.astimezone(UTC)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        on_day, on_weekday = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month in months and (on_day or on_weekday if either else on_day and on_weekday):
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    at = day.replace(hour=hour, minute=minute)
                    if start <= at < until:
                        yield at
        day += timedelta(days=1)


@cache
def _fields(schedule: str) -> tuple[frozenset[int], ...]:
    words = schedule.split()
    if len(words) != len(_LIMITS):
        raise ScheduleError(f'"{schedule}" is not a schedule of five fields')
    try:
        found = [_values(word, low, high) for word, (low, high) in zip(words, _LIMITS, strict=True)]
    except ValueError:
        raise ScheduleError(f'"{schedule}" is not a schedule of five fields') from None
    return (*found[:4], frozenset(day % 7 for day in found[4]))


def _values(word: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for item in word.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin = low if first == "*" else int(first)
        end = int(last) if last else high if first == "*" or step else begin
        if not low <= begin <= end <= high or (step and int(step) < 1):
            raise ValueError(item)
        found.update(range(begin, end + 1, int(step) if step else 1))
    return frozenset(found)
