"""What was said after the fact, held against what it is about: records of people, and prunings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from rto_rpo.evidence.agreed.person import signature_fault
from rto_rpo.evidence.lines.line import AnyLine, Closed, Pruned, Recorded
from rto_rpo.evidence.lines.record import Finding, FindingState, Hold, SignOff


class Later:
    """Follows the chain from its first line on."""

    def __init__(self) -> None:
        self._closed: dict[str, str] = {}
        self._newest: dict[str, datetime] = {}
        self._pruned: set[str] = set()
        self._held: set[str | None] = set()
        self._findings: set[str] = set()

    def closed(self, line: Closed, sha256: str) -> None:
        self._closed.setdefault(line.run, sha256)
        self._is_of(line.run, line.utc)

    def _is_of(self, run: str | None, utc: str) -> None:
        newest = datetime.fromisoformat(utc)
        self._newest[run or ""] = max(newest, self._newest.get(run or "", newest))

    def told(self, line: AnyLine, opened: Collection[str]) -> Iterator[str]:
        """What is wrong with a line that comes after others."""
        if isinstance(line, Recorded):
            yield from self._recorded(line, opened)
        elif isinstance(line, Pruned):
            yield from self._prune(line)

    def _recorded(self, line: Recorded, opened: Collection[str]) -> Iterator[str]:
        entry = line.entry
        if line.run in self._closed:  # its time begins anew
            self._is_of(line.run, line.utc)
        if line.run is not None and line.run not in opened:
            yield f"{entry.what} is about run {line.run}, which was never opened"
        if fault := signature_fault(line):
            yield f"{entry.what} {fault}"
        if isinstance(entry, SignOff) and self._closed.get(line.run or "") != entry.closed:
            yield f"{entry.what} is of another closing of run {line.run} than the chain's"
        elif isinstance(entry, Finding):
            if entry.id in self._findings:
                yield f'finding "{entry.id}" is entered a second time'
            self._findings.add(entry.id)
        elif isinstance(entry, FindingState) and entry.id not in self._findings:
            yield f'finding "{entry.id}" has a state, but was never entered'
        elif isinstance(entry, Hold):
            (self._held.add if entry.placed else self._held.discard)(line.run)

    def _prune(self, line: Pruned) -> Iterator[str]:
        pruned_utc = datetime.fromisoformat(line.utc)
        for run in line.runs:
            if run not in self._closed:
                yield f"run {run} was pruned before it was closed"
            elif run in self._pruned:
                yield f"run {run} was pruned a second time"
            elif None in self._held or run in self._held:
                yield f"run {run} was pruned although it was under legal hold"
            elif self._newest[run] + timedelta(seconds=line.retention_seconds) > pruned_utc:
                yield f"run {run} was pruned before its retention had passed"
            self._pruned.add(run)
