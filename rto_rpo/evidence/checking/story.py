"""The story that the lines tell together: each run opened once and closed once, each change of plan noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rto_rpo.evidence.checking.later import Later
from rto_rpo.evidence.checking.word import Words
from rto_rpo.evidence.lines.history import Entry
from rto_rpo.evidence.lines.line import Closed, Opened, PlanChanged


def story_findings(entries: Sequence[Entry]) -> Iterator[str]:
    """What does not add up between the lines of the runs. Unfinished runs are told elsewhere."""
    story = _Story()
    for entry in entries:
        yield from (f"chain line {entry.number}: {fault}" for fault in story.told(entry))
    yield from story.end()


class _Story:
    def __init__(self) -> None:
        self.announced: PlanChanged | None = None
        self._open: dict[str, Opened] = {}
        self._closed: set[str] = set()
        self._plans: dict[str, str] = {}
        self._later, self._words = Later(), Words()

    def told(self, entry: Entry) -> Iterator[str]:
        if entry.line is not None:
            yield from self._words.told(entry.line, entry.number)
        match entry.line:
            case Opened() as line:
                yield from self.opened(line)
            case Closed() as line:
                yield from self.closed(line)
                self._later.closed(line, entry.sha256)
            case PlanChanged() as line:
                yield from self.plan_changed(line)
            case None:
                self.announced = None
            case _ as line:
                yield from self._dangling()
                yield from self._later.told(line, self._open)

    def opened(self, line: Opened) -> Iterator[str]:
        if line.run in self._open:
            yield f"run {line.run} is opened a second time: copied"
        before = self._plans.get(line.plan, line.plan_sha256)
        noted, self.announced = self.announced, None
        if noted and (noted.run, noted.plan_sha256) != (line.run, line.plan_sha256):
            yield f"a change of plan was noted for run {noted.run}, but run {line.run} follows"
        if not noted and before != line.plan_sha256:
            yield f'the plan "{line.plan}" changed since its previous run, and no line notes it: deleted'
        self._open[line.run] = line
        self._plans[line.plan] = line.plan_sha256

    def closed(self, line: Closed) -> Iterator[str]:
        yield from self._dangling()
        opened = self._open.get(line.run)
        if opened is None:
            yield f"run {line.run} is closed, but was never opened: its first line was deleted"
        elif _same(opened) != _same(line):
            yield f"run {line.run} is closed with another plan, drill or folder than it was opened with"
        if line.run in self._closed:
            yield f"run {line.run} is closed a second time: copied"
        self._closed.add(line.run)

    def plan_changed(self, line: PlanChanged) -> Iterator[str]:
        yield from self._dangling()
        if line.plan_sha256_before != self._plans.get(line.plan):
            yield f'the change of plan "{line.plan}" starts from a plan that no run before it used: edited'
        self.announced = line

    def end(self) -> Iterator[str]:
        yield from self._dangling()

    def _dangling(self) -> Iterator[str]:
        if self.announced:
            yield f"the change of plan noted for run {self.announced.run} is not followed by the run: deleted"
        self.announced = None


def _same(line: Opened | Closed) -> tuple[str, str, str, str]:
    return line.plan, line.plan_sha256, line.drill, line.folder
