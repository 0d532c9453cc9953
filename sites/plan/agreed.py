"""What people agree to before a drill: objectives, exclusions, thresholds, schedules, and what is judged.

It is written out in the plan. A run freezes the plan's text and tells what changed since the run before it
from the two texts: a promise whose value comes from outside could change unseen.
"""

from __future__ import annotations

from typing import Final

from sites.plan.problem import Place

_DRILL: Final = (
    *("judge", "back_within", "late", "late_start", "stable", "deadline", "give_up", "lead", "phase"),
    *("caps", "schedule", "window"),
)
_DATASET: Final = (
    *("rpo", "cold_rpo", "every", "brake", "deletions", "lock", "on_standby_loss", "degrade_after"),
)
AGREED: Final[tuple[tuple[str, ...], ...]] = (
    *(("services", "*", key) for key in ("rto", "cold_rto")),
    *(("datasets", "*", key) for key in _DATASET),
    *(("datasets", "*", "backup", key) for key in ("exclude", "every", "keep", "alarm", "older")),
    *(("failover", key) for key in ("detect", "decide", "decide_by", "fence")),
    *(("failover", "lease", key) for key in ("term", "margin")),
    *(("drills", "*", key) for key in _DRILL),
    *(("drills", "*", noun, key) for noun in ("canary", "fault") for key in ("rate", "limit")),
    *(("drills", "*", "marks", "*", key) for key in ("rate", "lead", "limit")),
    ("tabletops", "*", "schedule"),
    *(("evidence", key) for key in ("retention", "hold")),
)


def agreed(place: Place) -> bool:
    """Whether the value at this place is agreed with people, or is part of one that is."""
    return any(_within(place, known) for known in AGREED)


def _within(place: Place, known: tuple[str, ...]) -> bool:
    return len(place) >= len(known) and all(
        name in ("*", step) for name, step in zip(known, place, strict=False)
    )
