"""What an answer may look at, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from rto_rpo.dossier.coverage import Covered
from rto_rpo.dossier.declared import Declared
from rto_rpo.dossier.finding import Finding
from rto_rpo.dossier.shelf import Run, Shelf
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

    `plan` and `charter` are those of the newest run, `year` the runs of the year up to that day. `retentions`
    say what the plans kept evidence for: of each the newest run, where its plan is there to be read.
    `given`: what was answered already, for several profiles ask the same.
    """

    shelf: Shelf
    year: Sequence[Run]
    plan: Declared
    coverage: Sequence[Covered]
    charter: Charter | None
    findings: Sequence[Finding]
    missed: Sequence[NotRun]
    blind: Sequence[Blind]
    retentions: Sequence[tuple[Run, str]]
    day: date
    given: dict[str, Answer] = field(default_factory=dict, compare=False)

    @property
    def roles(self) -> Sequence[Role]:
        """Whom the plan lists, with their keys, as the newest run froze it."""
        return self.charter.roles if self.charter else ()


def of_year(runs: Sequence[Run], day: date) -> Sequence[Run]:
    """From the first one of the year up to `day` on: what the chain holds after it came after it.

    A clock that was set wrong hides no run so.
    """
    first = (day - YEAR).isoformat()
    at = next((at for at, run in enumerate(runs) if run.utc >= first), len(runs))
    return runs[at:]


@dataclass(frozen=True, slots=True)
class Answer:
    """`runs`: the folders of the runs that it rests on."""

    state: State
    reason: str
    runs: tuple[str, ...] = ()
