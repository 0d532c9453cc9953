"""What a changed value of a plan is about. Nothing that a plan promises or is judged by is "other"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

Subject = Literal["objectives", "scope", "exclusions", "thresholds", "people", "other"]
Place = tuple[str, ...]
About = Callable[..., Subject]

_OBJECTIVES: Final = {"rto", "rpo", "cold_rto", "cold_rpo", "back_within"}
_THRESHOLDS_OF_OLD: Final = {
    *("late", "stable", "deadline", "limit", "every", "refused", "silent", "rate", "interval", "tolerance"),
    *("margin", "retention", "schedule", "keep", "max", "min"),
}
_THRESHOLDS: Final = _THRESHOLDS_OF_OLD | {
    *("give_up", "late_start", "phase", "lead", "caps", "window", "hold"),  # of a drill, and of its evidence
    *("detect", "decide", "decide_by", "fence", "confirm", "term", "again"),  # of a failover
    *("synchronous", "on_standby_loss", "degrade_after", "brake", "deletions", "alarm", "older", "lock"),
    *("read", "full", "prune", "append_only", "checksums", "check_dump", "ttl"),  # of data
    *("cut_limit", "kill_limit", "start_limit", "stop_limit", "connect_limit"),
}
_WHOLLY_SCOPE: Final = {"drills", "tabletops", "failover", "versions", "environment"}
_WITHIN: Final = {
    *("gate", "check", "needs", "checks", "tags", "copy_of", "to", "fault_domain", "drills", "reachable"),
    *("versions", "query", "kind", "backup", "restore", "restore_at", "replication", "replica", "standby"),
    *("in_sync", "writable", "point"),
}
_NOUNS: Final = {"sites", "repositories", "datasets", "services", "drills", "tabletops", "failover"}


def subject(place: Place, *plans: Mapping[Place, str]) -> Subject:
    """What the value at this place is about; `plans` are the values of the plan before and of that after."""
    words = set(place)
    if place[-1] in _OBJECTIVES:
        return "objectives"
    if _excludes(place):
        return "exclusions"
    if place[0] in ("roles", "notify") and not words & _THRESHOLDS:
        return "people"
    if place[0] == "drills" and "judge" in words:
        return "scope"
    if words & _THRESHOLDS:
        return "thresholds"
    if place[0] in _WHOLLY_SCOPE or words & _WITHIN or _came_or_went(place, *plans):
        return "scope"
    return "other"


def subject_of_old(place: Place, *plans: Mapping[Place, str]) -> Subject:
    """The same as charters had it before `subject` knew all: those are frozen, and stay as they are."""
    words = set(place)
    if place[-1] in ("rto", "rpo"):
        return "objectives"
    if _excludes(place):
        return "exclusions"
    if place[0] == "roles":
        return "people"
    if place[0] == "drills" and "judge" in words:
        return "scope"
    if words & _THRESHOLDS_OF_OLD:
        return "thresholds"
    return "scope" if _came_or_went(place, *plans) else "other"


def _excludes(place: Place) -> bool:
    return any("exclu" in word or word in ("blackout", "not_tested") for word in place)


def _came_or_went(place: Place, *plans: Mapping[Place, str]) -> bool:
    """Whether the whole noun was not there before, or is not there any more."""
    noun = place[:2]
    return place[0] in _NOUNS and not all(any(one[:2] == noun for one in plan) for plan in plans)
