"""The trend of one promise in one drill, as the reports and the site show it: beside a run, as of that run.

Runs of one drill are trials of one and the same thing; runs of different drills are not, and stay apart. What
may be claimed of all runs there are is told by `series`; both take a run for the same (`observed`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from operator import attrgetter

from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.observed import observed
from rto_rpo.dossier.shelf import Run
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement
from rto_rpo.statistics import QUANTILES, UNKNOWN, Observation, Quantile, chance, quantile

# More than so many say little more, and older ones were of another machine.
WINDOW = 100


@dataclass(frozen=True, slots=True)
class Point:
    """One run's measurement of the promise. None where there is no such bound. `void`: it proves nothing.

    `verdict` is that of the run on this promise, with all that was in doubt about the run. `judged` is what
    it was judged from; None for a run that left nothing to read.
    """

    seq: int
    utc: str
    folder: str
    declared_seconds: float
    lower_seconds: float | None
    upper_seconds: float | None
    verdict: Verdict
    void: bool
    seen: Observation
    judged: tuple[Digest, Judgement] | None = field(default=None, repr=False, compare=False)

    def observation(self, limit_seconds: float) -> Observation:
        """What the run shows of a promise of that length."""
        if self.judged is None or limit_seconds == self.declared_seconds:
            return self.seen
        return observed(*self.judged, limit_seconds)[0]


@dataclass(frozen=True, slots=True)
class Proven:
    """What the newest `runs` of `of` show together. `chance_highest`: how likely a miss is, at most."""

    runs: int
    of: int
    kept: int
    quantiles: tuple[Quantile, ...]
    chance_highest: float


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, and every run of one drill that judged it, the oldest first."""

    drill: str
    subject: str
    objective: str
    points: tuple[Point, ...]

    def as_of(self, seq: int) -> Promise | None:
        """What was known of it at that place of the chain; None before anything was."""
        points = self.points[: bisect_right(self.points, seq, key=attrgetter("seq"))]
        return Promise(self.drill, self.subject, self.objective, points) if points else None

    @property
    def newest(self) -> Point:
        return self.points[-1]

    def count(self, verdict: Verdict) -> int:
        return sum(1 for point in self.points if point.verdict == verdict)

    def proven(self) -> Proven:
        """What the newest runs show of what is promised now. What is not known counts against it."""
        newest = self.points[-WINDOW:]
        limit = self.newest.declared_seconds
        observations = [point.observation(limit) for point in newest]
        breaches = sum(1 for one in observations if one.verdict(limit) != "met")
        return Proven(
            runs=len(newest),
            of=len(self.points),
            kept=len(newest) - breaches,
            quantiles=tuple(quantile(observations, share) for share in QUANTILES),
            chance_highest=_chance(breaches, len(newest)).highest,
        )


_chance = cache(chance)


def promises(runs: Iterable[Run]) -> list[Promise]:
    """Every promise that some run judged, by drill and name.

    A run that left nothing to read is a point of each promise of its drill: it was to show it, and did not.
    One that was pruned, or talked through, is none.
    """
    found: dict[tuple[str, str, str], list[Point]] = {}
    for run in runs:
        told = run.digest
        if told is None and not (run.talked or run.record.pruned):
            for points in (points for names, points in found.items() if names[0] == run.drill):
                points.append(_unread(run, points[-1].declared_seconds))
        if told is not None:
            for one, point in told.once("points", partial(_points, run, told)):
                found.setdefault((run.drill, one.subject, one.objective), []).append(point)
    return [Promise(*names, tuple(points)) for names, points in sorted(found.items())]


def _points(run: Run, told: Digest) -> list[tuple[Judgement, Point]]:
    return [(one, _point(run, told, one)) for one in told.judgements]


def _point(run: Run, told: Digest, one: Judgement) -> Point:
    void = told.void is not None
    seen, _ = observed(told, one, one.declared_seconds)
    return Point(
        seq=run.seq,
        utc=run.utc,
        folder=run.folder,
        declared_seconds=one.declared_seconds,
        lower_seconds=None if void else one.lower_seconds,
        upper_seconds=None if void else one.upper_seconds,
        verdict=seen.verdict(one.declared_seconds),
        void=void,
        seen=seen,
        judged=(told, one),
    )


def _unread(run: Run, declared_seconds: float) -> Point:
    return Point(run.seq, run.utc, run.folder, declared_seconds, None, None, "inconclusive", True, UNKNOWN)
