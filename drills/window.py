"""When a drill may run: outside the hours of a market, and only if all of it would end before the next.

And only when it was meant to: a scheduled one that begins late is not run, and none strikes after its machine
slept. Fails closed: a calendar that is not installed, not known or that ends sooner lets nothing begin.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from drills.recording import Recording
from rto_rpo.answering import WINDOW
from sites.errors import GuardError
from sites.plan import Drill
from sites.plan.window import Window


class StartsLate(GuardError):
    """A scheduled run begins too long after its time, so it counts as *not run*."""


def check_window(drill: Drill, name: str, longest_seconds: float, now: datetime | None = None) -> str | None:
    """That all of the drill, were it to take as long as it may, lies in its window. Raises GuardError.

    Returns what the calendar said; None where the drill has no window.
    """
    window = drill.window
    if window is None:
        return None
    begin = (now or datetime.now(UTC)).astimezone(UTC)
    end = begin + timedelta(seconds=longest_seconds)
    open_at = _first_open(window, name, begin, end)
    if open_at is not None:
        raise GuardError(
            f'cannot run drill "{name}": {window.calendar} trades at {open_at:%Y-%m-%d %H:%M} UTC; '
            f"the drill may take until {end:%H:%M}, and {window.margin} are kept on either side",
            hint="run it while the market is closed for longer than that",
        )
    return (
        f"{window.calendar} does not trade from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, "
        f"the longest that the drill may take, nor within {window.margin} on either side"
    )


def record_window(recording: Recording, drill: Drill, name: str, longest_seconds: float) -> None:
    """The same, kept as a check of the drill. Raises GuardError; that nothing began has no better verdict."""
    try:
        said = check_window(drill, name, longest_seconds)
    except GuardError as error:
        _record(recording, "inconclusive", str(error))
        raise
    if said is not None:
        _record(recording, "met", said)


def _record(recording: Recording, verdict: str, reason: str) -> None:
    recording.event("check", detail={"name": WINDOW, "verdict": verdict, "reason": reason})


def check_punctual(drill: Drill, name: str, due: datetime | None, now: datetime | None = None) -> None:
    """That a scheduled run begins about when it was due. Raises StartsLate."""
    if due is None:
        return
    late = (now or datetime.now(UTC)) - due.astimezone(UTC)
    if late > timedelta(seconds=drill.late_start.seconds):
        raise StartsLate(
            f'drill "{name}" was due at {due.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC and begins '
            f"{late.total_seconds():.0f} s late; more than {drill.late_start} is not run",
            hint="run it by hand, or wait for its next time",
        )


@dataclass(frozen=True, slots=True)
class Clocks:
    """One reading of all three, in seconds."""

    monotonic: float
    boot: float
    wall: float

    @classmethod
    def now(cls) -> Clocks:
        return cls(time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time())

    def stood_since(self, then: Clocks) -> float:
        """For how long a drill, its dead-man and its recorder stood still and did not notice.

        The clock since boot goes on while a machine sleeps, however its wall clock is set afterwards. In a
        virtual machine that is held it stands still as well, and only a wall clock that was put right tells.
        One that was merely set forward looks the same: then nobody knew what time it was as the drill began.
        """
        ran = self.monotonic - then.monotonic
        return max(self.boot - then.boot, self.wall - then.wall) - ran


def check_awake(drill: Drill, name: str, begun: Clocks, now: Clocks | None = None) -> None:
    """That it is still the time at which the drill began, but for what it took itself. Raises GuardError."""
    stood_seconds = (now or Clocks.now()).stood_since(begun)
    if stood_seconds > drill.late_start.seconds:
        raise GuardError(
            f'cannot go on with drill "{name}": this machine slept, was held, or its clock was set forward, '
            f"by {stood_seconds:.0f} s since the drill began; more than {drill.late_start} counts as late",
            hint="run it by hand, or wait for its next time",
        )


def _first_open(window: Window, name: str, begin: datetime, end: datetime) -> datetime | None:
    """The first minute of trading in the stretch, margins included."""
    margin = timedelta(seconds=window.margin.seconds)
    try:
        calendars: Any = import_module("exchange_calendars")
    except ImportError:
        raise _closed(name, window, "the package exchange_calendars is not installed") from None
    try:
        calendar = calendars.get_calendar(window.calendar)
        minutes = calendar.minutes_in_range(begin - margin, end + margin)
        # where nothing trades in between, all of it lies in one break of a trading day, or in none
        amid = not len(minutes) and calendar.is_open_on_minute(_minute(begin), ignore_breaks=True)
        reaches = calendar.first_minute <= begin - margin and end + margin <= calendar.last_minute
    except Exception as error:
        raise _closed(name, window, f"{type(error).__name__}: {error}") from error
    if not reaches:
        raise _closed(name, window, "it does not reach that far")
    if amid:
        raise GuardError(
            f'cannot run drill "{name}": at {begin:%Y-%m-%d %H:%M} UTC {window.calendar} only has a break '
            "within its trading day",
            hint="run it once the market has closed for the day",
        )
    return minutes[0].to_pydatetime() if len(minutes) else None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _closed(name: str, window: Window, why: str) -> GuardError:
    return GuardError(
        f'cannot run drill "{name}": the calendar {window.calendar} does not answer: {why}',
        hint="pip install 'blackstart[calendars]'",
    )
