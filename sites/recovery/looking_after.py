"""The standbys are looked after on the side, while somebody stands watch over the service.

What a look finds is told once. One that breaks is told as well and tried again: nobody may believe that the
standbys are looked after when they are not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

EVERY_SECONDS = 1.0
LOST, BACK, UNKNOWN = "protection lost", "protection is back", "protection is not seen"


@dataclass(frozen=True, slots=True)
class Changed:
    """What has changed about the protection of a dataset, and why."""

    dataset: str
    about: str
    said: str


Look = Callable[[], list[Changed]]
Told = Callable[[Changed], None]


@contextmanager
def looked_after(looks: Sequence[Look], tell: Told, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """While the block lasts: one look at once, and again so long after the last one."""
    over = threading.Event()

    def look_on() -> None:
        failing: dict[Look, str] = {}
        while True:
            for look in looks:
                _look(look, tell, failing)
            if over.wait(every_seconds):
                return

    thread = threading.Thread(target=look_on, name="standbys", daemon=True)
    if looks:
        thread.start()
    try:
        yield
    finally:
        over.set()


def _look(look: Look, tell: Told, failing: dict[Look, str]) -> None:
    try:
        found = look()
    except Exception as error:  # noqa: BLE001 - whatever it is, people hear of it and the next look is due
        said = f"the standbys cannot be looked after ({type(error).__name__}: {error}); it is tried again"
        if failing.get(look) != said:
            tell(Changed("", UNKNOWN, said))
        failing[look] = said
        return
    if failing.pop(look, None) is not None:
        tell(Changed("", BACK, "the standbys are looked after again"))
    for changed in found:
        tell(changed)
