"""Error injection: the engine stops at numbered points, where a test may end the whole process.

Each step has four of them, in this order, and a kill between two of them is a kill at one of the moments that
they part:

    begin     nothing is written yet
    started   the journal says that it was begun; the world is as it was
    acted     the world has changed, or was found changed; the journal does not know
    ended     the journal says that it is done; nobody was told yet
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Literal

Moment = Literal["begin", "started", "acted", "ended"]
Hook = Callable[[str, Moment], None]

MOMENTS: tuple[Moment, ...] = ("begin", "started", "acted", "ended")


def nothing(step: str, moment: Moment) -> None:
    """What happens at a point outside of tests."""
    del step, moment


class KilledAt:
    """A hook that ends this process with SIGKILL at the point of that number, the first being 1."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()

    def __call__(self, step: str, moment: Moment) -> None:
        del step, moment
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
