"""What an answer may look at, and what it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from typing import Literal

from rto_rpo.dossier.coverage import Covered
from rto_rpo.dossier.declared import Declared
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import Finding
from rto_rpo.dossier.shelf import Run, Shelf, newest
from rto_rpo.evidence.agreed.charter import Charter, Role
from rto_rpo.evidence.agreed.not_run import Blind, NotRun

State = Literal["met", "not met", "not tested", "inconclusive", "n.a."]
STATES: dict[str, State] = {
    "met": "met",
    "missed": "not met",
    "inconclusive": "inconclusive",
    "not tested": "not tested",
}
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that an answer may look at: what belongs to one plan, as it stood on `day`.

    `plan` and `charter` are those of the newest run.
    """

    shelf: Shelf
    plan: Declared
    coverage: Sequence[Covered]
    charter: Charter | None
    findings: Sequence[Finding]
    missed: Sequence[NotRun]
    blind: Sequence[Blind]
    day: date

    @property
    def roles(self) -> Sequence[Role]:
        """Whom the plan lists, with their keys, as the newest run froze it."""
        return self.charter.roles if self.charter else ()

    @property
    def year(self) -> Sequence[Run]:
        """The runs of the year up to `day`."""
        first = (self.day - YEAR).isoformat()
        return self.shelf.runs[bisect_left(self.shelf.runs, first, key=attrgetter("utc")) :]

    def newest(self, wanted: Callable[[Run, Digest], bool]) -> Run | None:
        """The newest wanted run of the year that left something to read; an older one shows nothing."""
        return newest(self.year, lambda run: run.digest is not None and wanted(run, run.digest))

    @property
    def last(self) -> Run | None:
        return self.shelf.runs[-1] if self.shelf.runs else None


@dataclass(frozen=True, slots=True)
class Answer:
    """`runs`: the folders of the runs that it rests on."""

    state: State
    reason: str
    runs: tuple[str, ...] = ()
