"""The recovery point of a bucket, by the newest mark that has arrived at its replica."""

from __future__ import annotations

from datetime import UTC, datetime

from sites.drivers.s3 import marks
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.marks import Mark
from sites.errors import BlackstartError
from sites.points import CLOCK_SKEW
from sites.protection.damaged import Tested, tested
from sites.protection.exposure import Best, Declared, Exposure, row
from sites.protection.history import History
from sites.protection.objects.keeping import manifest_at


def objects_exposure(
    dataset: ObjectsDataset, rpo_seconds: float | None, history: History, now: datetime | None = None
) -> Exposure:
    """One row of the status. What cannot be known is noted, and counts as exceeded. Raises SiteError."""
    instant = now or datetime.now(UTC)
    events = history.events()
    mark, notes = _newest(dataset, instant, tested(events, dataset.kept_in, dataset.name))
    last = next((e for e in reversed(events) if e.kind == "replication" and e.dataset == dataset.name), None)
    if last is not None and last.outcome != "done":
        why = last.detail.get("error") or ", ".join(last.detail.get("failed", ())[:3])
        notes.append(f"the last replication {'failed' if last.outcome == 'failed' else 'is partial'}: {why}")
    best = Best(mark.taken, f"mark-{mark.number}", "copy") if mark else None
    return row(Declared(dataset.name, rpo_seconds), best, dataset.kept_in, history, instant, notes)


def _newest(dataset: ObjectsDataset, now: datetime, shown: Tested) -> tuple[Mark | None, list[str]]:
    """The newest mark that counts, and what is odd about it."""
    replica = dataset.replica
    try:
        mark = marks.newest(replica)
        if mark is None:
            return None, [f'bucket "{replica.name}" has no mark: nothing has arrived there as a whole']
        kept = replica.absent_or("look at the manifest", "head_object", manifest_at(mark)) is not None
    except BlackstartError as error:
        return None, [str(error)]
    if mark.dataset != dataset.name:
        return None, [f'bucket "{replica.name}" has the marks of dataset "{mark.dataset}"']
    if mark.taken > now + CLOCK_SKEW:
        told = f"mark {mark.number} of {mark.taken:%Y-%m-%dT%H:%M:%SZ} lies in the future"
        return None, [f"{told}: a clock is wrong, so it does not count"]
    if (why := shown.against(f"mark-{mark.number}")) is not None:
        return None, [f"mark {mark.number} of {mark.taken:%Y-%m-%dT%H:%M:%SZ} {why}"]
    return mark, [] if kept else [f"the manifest of mark {mark.number} is gone: no restore test can be met"]
