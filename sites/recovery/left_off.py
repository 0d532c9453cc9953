"""Which steps an act that was cut off had begun, as anybody may read it: nothing here takes the lock."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from sites.recovery.standing import Standing


def begun_steps(state: Path) -> frozenset[str]:
    """Those of the act that is under way, whether its journal is still in its place or was put away."""
    found = set(Standing(state).begun.steps)
    with suppress(FileNotFoundError):  # none is open
        for line in (state / "failover" / "journal.jsonl").read_bytes().splitlines():
            with suppress(ValueError):  # a torn line, or no journal of ours: opening it tells that
                entry = json.loads(line)
                if isinstance(entry, dict):
                    found.add(str(entry.get("step")))
    return frozenset(found)
