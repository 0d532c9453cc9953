"""How long a calibration may take: what could not be calibrated in time proves nothing, and is no failure."""

from __future__ import annotations

import time
from typing import Final

from sites.errors import BlackstartError

OUT_OF_TIME: Final = "the calibration was not done in the time that it was given"


def within(limit_seconds: float, deadline: float) -> float:
    """What is left of `limit_seconds` before the `deadline`, an instant of the monotonic clock.

    Raises BlackstartError where nothing is.
    """
    left_seconds = deadline - time.monotonic()
    if left_seconds <= 0:
        raise BlackstartError(OUT_OF_TIME)
    return min(limit_seconds, left_seconds)
