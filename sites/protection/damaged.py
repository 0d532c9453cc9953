"""Points that are there and cannot be had: what restore tests have shown of them.

A snapshot that is listed is no snapshot that comes back. And where the newest one did not, the next may need
the same packs: until a restore test is met again, nothing that no test has met counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sites.protection.history import Event

_TESTS = ("restore_test", "older_test")


@dataclass(frozen=True, slots=True)
class Tested:
    """The last test of each point of a dataset in one repository, by its id at the source.

    `doubted` is the last test of what was the newest one then, if it found damage and none was met since.
    """

    last: Mapping[str, Event] = field(default_factory=dict)
    doubted: Event | None = None

    def against(self, snapshot_id: str) -> str | None:
        """Why a point is not to be counted on, in words."""
        own = self.last.get(snapshot_id)
        if own is not None and own.detail.get("damaged"):
            return f"did not come back whole on {_when(own)}: {own.detail.get('reason')}"
        if self.doubted is not None and (own is None or own.outcome != "met"):
            found = f"on {_when(self.doubted)} damage was found: {self.doubted.detail.get('reason')}"
            return f"is not proven, and {found}"
        return None


def tested(events: Iterable[Event], repository: str, dataset: str) -> Tested:
    last: dict[str, Event] = {}
    doubted: Event | None = None
    for event in events:
        if event.kind not in _TESTS or (event.repository, event.dataset) != (repository, dataset):
            continue
        last[str(event.detail.get("snapshot_id"))] = event
        if event.kind == "restore_test" and event.outcome == "met":
            doubted = None
        elif event.kind == "restore_test" and event.detail.get("damaged"):
            doubted = event
    return Tested(last, doubted)


def _when(event: Event) -> str:
    return f"{event.utc:%Y-%m-%dT%H:%M:%SZ}"
