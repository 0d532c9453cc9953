"""A part of a fault that is due when the runbook has come to a milestone."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sites.capability import Proof


class Due:
    """Comes once. What could not be done, or never came, is for the verdict to know."""

    def __init__(self, milestone: str, act: Callable[[], Proof]) -> None:
        self._milestone = milestone
        self._act = act
        self._begun = threading.Lock()
        self._proof: Proof | None = None

    def comes_with(self, event: str) -> bool:
        """True for whoever comes with the milestone first."""
        return event == self._milestone and self._begun.acquire(blocking=False)

    def call_off(self) -> None:
        """It does not come any more. One that has begun is let come to its end: it can be undone."""
        self._begun.acquire(blocking=False)

    def done(self) -> dict[str, object]:
        """Do it; what there is to tell of it."""
        try:
            self._proof = self._act()
        except Exception as error:  # noqa: BLE001 - the failover goes on, and the verdict knows of it
            self._proof = Proof(False, f"{type(error).__name__}: {error}")
        return {
            "about": "second fault",
            "milestone": self._milestone,
            "holds": self._proof.holds,
            "how": self._proof.how,
        }

    def why_not(self) -> str | None:
        """Why it did not come to be in force; None if it did."""
        if self._proof is None:
            return f'the runbook did not come to "{self._milestone}" in time, so nothing more was injected'
        return None if self._proof.holds else f"it did not take effect: {self._proof.how}"
