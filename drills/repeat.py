"""The same drill again and again, each run with its own evidence and its own random phase.

It goes on only while the estate is as healthy as before the first run. Where a drill leaves the other site
serving and the old primary fenced, nothing puts that back here: the series ends, and says why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drills.closing import EXIT_CODES, Closed
from drills.guard import check_health, left_over
from rto_rpo.measurement import Verdict
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate

SETTLE_SECONDS_MAX = 60.0
_BEAT_SECONDS = 0.5
_WORST_FIRST: tuple[Verdict, ...] = ("missed", "inconclusive", "met")


@dataclass(frozen=True, slots=True)
class Repeated:
    """The runs that were made, of those `wanted`. `stopped`: why there are fewer."""

    wanted: int
    runs: tuple[Closed, ...]
    stopped: BlackstartError | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst of all. Runs that were wanted and not made are unknown, and unknown is never *met*."""
        found = {run.verdict for run in self.runs} | ({"inconclusive"} if self.stopped else set())
        return next(verdict for verdict in _WORST_FIRST if verdict in found)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def repeat(
    run: Callable[[], Closed], ready: Callable[[], None], wanted: int, tell: Callable[[str], None]
) -> Repeated:
    """Make `wanted` runs one after the other, each but the first when `ready` returns.

    Raises what the first run raises; what a later one raises ends the series.
    """
    runs: list[Closed] = []
    while len(runs) < wanted:
        tell(f"Run {len(runs) + 1} of {wanted}")
        try:
            if runs:
                ready()
            runs.append(run())
        except BlackstartError as error:
            if not runs:
                raise
            return Repeated(wanted, tuple(runs), error)
    return Repeated(wanted, tuple(runs))


def wait_until_healthy(estate: Estate, name: str, limit_seconds: float = SETTLE_SECONDS_MAX) -> None:
    """Return once the guards would let the drill begin. Raises GuardError when time is up.

    What a drill left behind goes away by nobody's waiting: then it raises at once.
    """
    deadline = time.monotonic() + limit_seconds
    while True:
        try:
            check_health(estate, name)
        except GuardError:
            if any(left_over(estate)) or time.monotonic() >= deadline:
                raise
        else:
            return
        threading.Event().wait(_BEAT_SECONDS)
