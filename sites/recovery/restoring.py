"""The steps that bring data back from a backup, or take it as it was left."""

from __future__ import annotations

import shlex
from pathlib import Path

from sites.errors import RunbookError
from sites.estate import Estate
from sites.plan import Plan
from sites.recovery import by_hand_data
from sites.recovery.runbook import Detail, Step
from sites.restore import RestoreSource
from sites.stanza_restore import StanzaSource

RESTORE_SECONDS = 3600.0
_LOOK_SECONDS = 10.0


Source = RestoreSource | StanzaSource


def restore_step(plan: Plan, name: str, source: RestoreSource, needs: tuple[str, ...]) -> Step:
    """A dataset without a standby comes from the newest whole backup at the other site."""
    return Step(
        name=f"restore {name}",
        says=f'restore dataset "{name}" at site "{source.site}" from repository "{source.repository_name}"'
        + _told(source),
        do=lambda limit_seconds: _restored(name, source, limit_seconds, gently=True),
        done=lambda: False,  # restoring again is harmless; a half-restored folder looks like a whole one
        limit_seconds=RESTORE_SECONDS,
        by_hand=by_hand_data.restore(plan, name, source),
        needs=needs,
        milestone="restored",
    )


def load_step(estate: Estate, name: str, source: Source, needs: tuple[str, ...]) -> Step:
    """A database is filled from a backup, whatever it held; clients are waiting for it."""
    return Step(
        name=f"load {name}",
        says=f'fill dataset "{name}" at site "{source.site}" from repository "{source.repository_name}"'
        + _told(source),
        do=lambda limit_seconds: _restored(name, source, limit_seconds, gently=False),
        done=lambda: False,  # loading again is harmless; a half-loaded database looks like a whole one
        limit_seconds=RESTORE_SECONDS,
        by_hand=by_hand_data.load(estate, name, source),
        needs=needs,
        milestone="promoted",
    )


def as_left_step(name: str, site: str, place: Path | None, needs: tuple[str, ...]) -> Step:
    """Home has what it had when the other site took over from it; its backups are of that time too."""

    def do(_limit_seconds: float) -> Detail:
        if place is not None and not place.exists():
            raise RunbookError(f'dataset "{name}" is not at site "{site}": there is no {place}')
        return {"dataset": name, "as": "it was when the other site took over"}

    return Step(
        name=f"restore {name}",
        says=f'take dataset "{name}" at site "{site}" as it was when the other site took over',
        do=do,
        done=lambda: False,  # it only looks
        limit_seconds=_LOOK_SECONDS,
        by_hand=f"ls -ld {shlex.quote(str(place))}" if place is not None else "blackstart status",
        needs=needs,
        milestone="restored",
    )


def _told(source: Source) -> str:
    return f", its point {source.chosen.snapshot_id[:8]}: {source.chosen.why}" if source.chosen else ""


def _restored(name: str, source: Source, limit_seconds: float, *, gently: bool) -> Detail:
    restored = source.restore(limit_seconds, gently=gently)
    return {
        "dataset": name,
        "snapshot": restored.snapshot_id,
        "taken": restored.taken.isoformat(),
        "complete": restored.complete,
        "seconds": restored.seconds,
    }
