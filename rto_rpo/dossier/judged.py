"""How each promise was judged, by drill and fault: the worst of the newest counts, and a miss stays one.

What another drill's fault does not touch it does not show, and neither does a run that saw no outage, or was
not met as a whole. A miss is made good by a run of the same drill with the same fault alone.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from functools import partial

import orjson

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.observed import WORST_FIRST, kept, observed
from rto_rpo.dossier.shelf import Run
from rto_rpo.measurement import Verdict
from rto_rpo.objective import DurationError, parse_duration
from rto_rpo.report.model import Judgement


@dataclass(frozen=True, slots=True)
class Judged:
    """One promise, as the newest run that counts of one drill and fault judged it."""

    state: Verdict
    run: Run
    digest: Digest
    judgement: Judgement

    def of_today(self, declared: str) -> Judged:
        """What was met as it was promised then may not have been as short as is promised now."""
        if self.state != "met":
            return self
        try:
            limit = parse_duration(declared).seconds
        except DurationError:
            return replace(self, state="inconclusive")
        same = limit == self.judgement.declared_seconds
        if same or observed(self.digest, self.judgement, limit)[0].verdict(limit) == "met":
            return self
        return replace(self, state="inconclusive")


@dataclass(slots=True)
class Judgements:
    """Of one promise: (drill, fault) to how it was judged; `count`: how many runs judged it."""

    newest: dict[tuple[str, str], Judged] = field(default_factory=dict)
    count: int = 0

    def take(self, run: Run, found: Digest, one: Judgement) -> None:
        """One more run that judged it, in the chain's order."""
        self.count += 1
        key = run.drill, fault_of(found)
        state: Verdict = found.once(f"kept {one.subject} {one.objective}", partial(kept, found, one))
        told = Judged(state, run, found, one)
        before = self.newest.get(key)
        if before and before.state == "missed" and told.state != "missed" and not _makes_good(told):
            return
        # a fault that the drill no longer has leaves a miss, and nothing good
        self.newest = {
            names: each
            for names, each in self.newest.items()
            if names[0] != run.drill or each.state == "missed"
        }
        self.newest[key] = told

    def unread(self, run: Run) -> None:
        """A run of which nothing is left was to show it again: what was bad stays bad."""
        mine = {names for names, each in self.newest.items() if names[0] == run.drill}
        self.count += 1 if mine else 0
        for names in mine:
            if self.newest[names].state != "missed":
                self.newest[names] = replace(self.newest[names], state="inconclusive", run=run)

    def worst(self, declared: str, drills: Container[str]) -> Judged:
        """The worst as of today, of several such the newest. Of drills that are gone a miss alone counts."""
        today = [each.of_today(declared) for each in self.newest.values()]
        counted = [each for each in today if each.run.drill in drills or each.state == "missed"]
        return min(counted or today, key=lambda each: (WORST_FIRST(each.state), -each.run.seq))


def fault_of(found: Digest) -> str:
    """What was broken, and how, in one way of writing."""
    told: str = found.once("fault", lambda: orjson.dumps(found.fault, option=orjson.OPT_SORT_KEYS).decode())
    return told


def _makes_good(told: Judged) -> bool:
    """Whether it shows that what was missed is kept now: met as a whole, and the fault was felt."""
    found = told.digest
    if told.state != "met" or found.verdict != "met" or found.doubted:
        return False
    felt = told.judgement.objective != "rto" or told.judgement.stream in found.felt
    return felt or found.fault.get("kind", "none") == "none"
