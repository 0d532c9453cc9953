"""Which points a repository should still hold, by what was told of them, and whose turn it is to be restored.

A repository cannot say what is no longer in it. What had arrived there is in the history; what of that the
rules of the plan still want, and nobody let go, has to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sites.drivers.restic.results import Snapshot
from sites.points import Point
from sites.protection.history import Event
from sites.protection.retention import Rules, unwanted

LET_GO = "let go"  # outcome of a retention that somebody asked for by hand


def known(events: Iterable[Event], repository: str, dataset: str) -> dict[str, datetime]:
    """When the whole points were taken that arrived in `repository` and were not let go, by first id."""
    found: dict[str, datetime] = {}
    for event in events:
        if event.repository != repository:
            continue
        if event.kind == "replication":
            told = event.detail.get("arrived", {}).get(dataset, {})
            found.update({first: datetime.fromisoformat(taken) for first, taken in told.items()})
        elif event.dataset == dataset and event.kind == "backup" and event.outcome == "done":
            found[event.detail["snapshot_id"]] = datetime.fromisoformat(event.detail["taken"])
        elif event.dataset == dataset and event.kind == "retention":
            for first in event.detail.get("points", ()):
                found.pop(first, None)
    return found


def gone(
    told: Mapping[str, datetime], found: Sequence[Point], rules: Rules | None, dataset: str, now: datetime
) -> list[str]:
    """First ids of what was `told` of, is still wanted by `rules` (None: for ever) and is not `found`.

    What the rules once did not want they never want again, as all that was told of counts with it.
    """
    there = {point.snapshot.first_id for point in found}
    remembered = [_remembered(first, taken, dataset) for first, taken in told.items() if first not in there]
    if rules is not None:
        whole = [point for point in found if point.complete]
        let_go, _ = unwanted([*whole, *remembered], rules, now)
        dropped = {point.snapshot.first_id for point in let_go}
        remembered = [point for point in remembered if point.snapshot.first_id not in dropped]
    return [point.snapshot.first_id for point in sorted(remembered, key=lambda point: point.taken)]


def in_turn(
    found: Sequence[Point], told: Mapping[str, datetime], events: Iterable[Event], repository: str
) -> list[Point]:
    """The points that are whole, or once were: those never restored first, then the longest ago.

    A test that came to nothing counts as a turn, or the others would wait for it.
    """
    last = {
        str(event.detail.get("snapshot_id")): event.utc
        for event in events
        if event.kind in ("restore_test", "older_test") and event.repository == repository
    }
    due = [point for point in found if point.complete or point.snapshot.first_id in told]

    def turn(point: Point) -> tuple[float, datetime]:
        tested = last.get(point.snapshot.first_id)
        return (tested.timestamp() if tested else 0.0, point.taken)

    return sorted(due, key=turn)


def failing(events: Sequence[Event]) -> list[Event]:
    """The last test of each older point, where it was not met and the point was not let go since.

    What was said of no point in particular, as that some are gone, holds until the next time round.
    """
    last: dict[tuple[str, str | None, str | None], Event] = {}
    for event in events:
        whose = (event.repository, event.dataset)
        if event.kind == "retention":
            for first in event.detail.get("points", ()):
                last.pop((*whose, first), None)
        elif event.kind == "restore_test":
            last.pop((*whose, None), None)
        if event.kind in ("older_test", "restore_test"):
            last[(*whose, event.detail.get("snapshot_id"))] = event
    return [event for event in last.values() if event.kind == "older_test" and event.outcome != "met"]


def _remembered(first: str, taken: datetime, dataset: str) -> Point:
    snapshot = Snapshot(first, taken, "", (), ())
    return Point(dataset, snapshot, taken, manifest=snapshot, partial=False)
