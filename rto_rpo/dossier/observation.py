"""What one run says of all that was judged and checked: what the register of findings is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.judged import fault_of
from rto_rpo.dossier.late import DUE
from rto_rpo.dossier.observed import observed
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.lines.record import Severity
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement

Promised = tuple[str, str]  # whose objective, and which of the two
# What no objective excuses: it says that the recovery itself did harm.
_CRITICAL = ("corrupt", "duplicated", "resurrected")


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that a run says: under which key, how, and in which words.

    `fault` is what was broken, None where nothing says so; `judged` its objectives, and their run.
    """

    key: tuple[str, ...]
    title: str
    verdict: Verdict
    reason: str
    severity: Severity
    fault: str | None = None
    judged: tuple[Digest, tuple[Judgement, ...]] | None = None

    def met_by(self, owed: Mapping[Promised, float]) -> bool:
        """Whether it is met, and every one of these objectives in it, by its length."""
        return self.verdict == "met" and all(self._meets(*one) for one in owed.items())

    def _meets(self, promised: Promised, limit_seconds: float) -> bool:
        if self.judged is None:
            return False
        found, judged = self.judged
        mine = [one for one in judged if (one.subject, one.objective) == promised]
        held = [observed(found, one, limit_seconds)[0].verdict(limit_seconds) == "met" for one in mine]
        return bool(held) and all(held)


def observations(run: Run) -> Sequence[Observation]:
    """All that a run says of what was judged and checked.

    One that is void or in doubt says so once, and nothing good besides: what it shows to be missed is missed
    all the same, and what it measured well closes nothing. Of one that was pruned the verdict is left: a miss
    stays open until the drill is met, and what was inconclusive until a run is in no doubt.
    """
    if run.digest is None:
        return [*_observations(run)]
    fault = fault_of(run.digest)
    seen: list[Observation] = run.digest.once(
        "observations", lambda: [replace(one, fault=fault) for one in _observations(run)]
    )
    return seen


def _observations(run: Run) -> Iterator[Observation]:
    found = run.digest
    if _came_to_something(run):
        yield Observation(
            DUE, "the schedule", "met", f"drill {run.drill} was run on {run.utc[:10]}", "medium"
        )
    if run.talked:
        return
    if found is None and run.record.pruned:
        gone = "its files said, which were pruned"
        if run.verdict == "missed":
            yield _verdict("missed", f"on {run.utc[:10]}; in what, {gone}")
        elif run.verdict != "met":
            yield _whole("inconclusive", f"why, {gone}")
        return
    if found is None:
        yield _whole("inconclusive", run.problem or "it is not known why")
        return
    if found.doubted:
        yield _whole("inconclusive", "; ".join([*filter(None, [found.void]), *found.doubts]))
    else:
        yield _whole("met", "nothing was in doubt")
    if found.verdict == "met" and not found.doubted:
        yield _verdict("met", f"on {run.utc[:10]}")
    for one in _shown(found):
        if one.verdict == "missed" or not found.doubted or (one.verdict != "met" and not found.void):
            yield one


def _came_to_something(run: Run) -> bool:
    """Whether it made up for a time at which its drill was due: talked through, or run and in no doubt."""
    if run.digest is not None:
        return not run.digest.doubted
    return run.talked or (run.record.pruned is not None and run.verdict != "inconclusive")


def _verdict(verdict: Verdict, reason: str) -> Observation:
    return Observation(("verdict",), "the drill", verdict, reason, "high")


def _whole(verdict: Verdict, reason: str) -> Observation:
    return Observation(("run",), "the run as a whole", verdict, reason, "medium")


def _shown(found: Digest) -> Iterator[Observation]:
    harm = any(found.count(way) for way in _CRITICAL)
    for one in found.judgements:
        title = f"{one.subject} {one.objective.upper()}"
        worst: Severity = "critical" if one.objective == "rpo" and harm else "high"
        told = _observed(("objective", one.subject, one.objective), title, one.verdict, one.reason, worst)
        yield replace(told, judged=(found, (one,)))
    for split in found.splits:
        yield _observed(("writer",), "one writer only", split.verdict, split.reason, "critical")
    for check in found.checks:
        yield _observed(("check", check.name), f"check {check.name}", check.verdict, check.reason, "high")


def _observed(
    key: tuple[str, ...], title: str, verdict: Verdict, reason: str, worst: Severity
) -> Observation:
    return Observation(key, title, verdict, reason, worst if verdict == "missed" else "medium")
