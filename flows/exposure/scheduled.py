"""Since when the schedules of the plan at hand are declared: what never ran has no charter that says it.

`notify` keeps when it saw each first. Before it did, one stands since the plan's file was written last.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rto_rpo.durable import write_durably
from rto_rpo.evidence.agreed.not_run import InForce
from sites.estate import Estate

_SEEN = "schedules.json"


def declared(estate: Estate, now: datetime) -> list[InForce]:
    """What the plan schedules, and since when. Changes nothing."""
    plan, seen, written = estate.plan, _seen(estate), _written(estate, now)
    return [
        InForce(plan.name, name, schedule, min(seen.get((name, schedule), written), now), now)
        for name, schedule in sorted(plan.schedules().items())
    ]


def keep_seen(estate: Estate, now: datetime) -> None:
    """Remember it, so that a plan that is written anew each day does not begin anew each day."""
    kept = [[one.drill, one.schedule, one.since.isoformat()] for one in declared(estate, now)]
    path = estate.state / _SEEN
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, json.dumps(kept, indent=1).encode())


def _seen(estate: Estate) -> dict[tuple[str, str], datetime]:
    """Unreadable, it is empty: then the file's own time counts."""
    try:
        read = json.loads((estate.state / _SEEN).read_text())
        return {(drill, schedule): datetime.fromisoformat(since) for drill, schedule, since in read}
    except (OSError, ValueError, TypeError):
        return {}


def _written(estate: Estate, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(estate.plan.path.stat().st_mtime, UTC)
    except OSError:
        return now
