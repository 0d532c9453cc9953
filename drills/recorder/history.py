"""Which events there are and in what order they may come, so that no bad event spoils a ledger. Pure."""

from __future__ import annotations

_BEFORE_FAULT = {"steady", "frozen", "fault_begin"}
_AFTER_FAULT = {
    "fault_end",
    "fault_effective",
    "detected",
    "decided",
    "decide_waiting",
    "asked",
    "answered",
    "fenced",
    "restored",
    "promoted",
    "started",
    "redirected",
    "safe",
    "stable",
    "revival_begin",
    "old_primary_revived",
    "old_primary_gone",
}
_ANY_TIME = {"check", "aborted", "healed", "undo", "note", "versions"}
_ONCE = {"steady", "frozen", "fault_begin", "fault_end", "stable", "revival_begin"}
_NEEDS = {"frozen": "steady", "fault_begin": "frozen"}
OWN = {"frozen", "stable"}  # what the recorder alone can know


class History:
    """The events so far. `refusal` says why an event may not come now, or None."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def has(self, name: str) -> bool:
        return name in self._seen

    def add(self, name: str) -> None:
        self._seen.add(name)

    def refusal(self, name: str) -> str | None:
        if name not in _BEFORE_FAULT | _AFTER_FAULT | _ANY_TIME:
            return f"there is no event {name!r}"
        if name in _ONCE and self.has(name):
            return f"event {name!r} was already recorded"
        if name in _BEFORE_FAULT and self.has("fault_begin"):
            return f"event {name!r} cannot come after the fault has begun"
        needs = _NEEDS.get(name, "fault_begin" if name in _AFTER_FAULT else None)
        if needs and not self.has(needs):
            return f"event {name!r} cannot come before {needs!r}"
        return None
