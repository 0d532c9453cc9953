"""Follow a drill while it runs, from the ledger alone: nothing is asked of whoever is busy with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rto_rpo.evidence.names import LEDGER_NAME

_TOLD = {
    "steady": "The service is steady",
    "fault_begin": "The fault begins",
    "fault_effective": "The fault took effect",
    "detected": "Detected, from probes alone",
    "fenced": "Old primary fenced",
    "promoted": "Promoted",
    "started": "Started",
    "redirected": "Clients redirected",
    "restored": "Restored",
    "safe": "Safe: one writer, every order known",
    "stable": "Stable",
    "healed": "Healed",
    "aborted": "Broken off",
    "check": "Checked",
}
_DETAILS = ("how", "dataset", "service", "name", "verdict", "reason")


class Follower:
    """Tells of the events of the first run that appears in `evidence` after this was made."""

    def __init__(self, evidence: Path, tell: Callable[[str], None]) -> None:
        self._evidence = evidence
        self._tell = tell
        self._known = set(self._runs())
        self._ledger: Path | None = None
        self._offset = 0
        self._fault_ns: int | None = None

    @property
    def run(self) -> Path | None:
        """The folder of the run that is followed, once it has appeared."""
        return self._ledger.parent if self._ledger is not None else None

    def look(self) -> None:
        """Tell what has been added since the last look."""
        if self._ledger is None:
            self._ledger = next((path for path in self._runs() if path not in self._known), None)
        if self._ledger is not None:
            for record in self._added(self._ledger):
                self._hear(record)

    def _runs(self) -> Iterator[Path]:
        yield from sorted(self._evidence.glob(f"*/{LEDGER_NAME}"))

    def _added(self, ledger: Path) -> Iterator[dict[str, Any]]:
        with ledger.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # its end is still to come
                self._offset += len(line)
                if b'"kind":"event"' in line:
                    yield json.loads(line)

    def _hear(self, record: dict[str, Any]) -> None:
        event, detail = record["event"], record["detail"]
        if event == "fault_begin":
            self._fault_ns = record["ns"]
        if event not in _TOLD or detail.get("already"):
            return
        since = "" if self._fault_ns is None else f"{(record['ns'] - self._fault_ns) / 1e9:+6.2f} s  "
        said = ", ".join(str(detail[key]) for key in _DETAILS if detail.get(key))
        self._tell(f"{since}{_TOLD[event]}" + (f": {said}" if said else ""))
