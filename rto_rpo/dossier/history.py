"""How one promise fared in one drill, time after time: what was measured, and what all of it together shows.

Runs of one drill are trials of one and the same thing; runs of different drills are not, and stay apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import attrgetter

from rto_rpo.dossier.shelf import Run
from rto_rpo.measurement import Verdict
from rto_rpo.statistics import QUANTILES, UNKNOWN, Observation, Quantile, chance, quantile

# More than so many say little more, and older ones were of another machine.
WINDOW = 100


@dataclass(frozen=True, slots=True)
class Point:
    """One run's measurement of the promise. None where there is no such bound. `void`: it proves nothing.

    `doubted`: the run as a whole is inconclusive, whatever this promise is.
    """

    seq: int
    utc: str
    folder: str
    declared_seconds: float
    lower_seconds: float | None
    upper_seconds: float | None
    verdict: Verdict
    void: bool
    doubted: bool

    @property
    def observation(self) -> Observation:
        if self.void or self.lower_seconds is None:
            return UNKNOWN
        within = self.upper_seconds is not None and self.upper_seconds <= self.declared_seconds
        if self.verdict == "inconclusive" and within:
            return Observation(self.lower_seconds, None)
        harmed = self.verdict == "missed" and self.lower_seconds <= self.declared_seconds
        return Observation(self.lower_seconds, self.upper_seconds, damaged=harmed, doubted=self.doubted)


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
        observations = [point.observation for point in newest]
        limit = self.newest.declared_seconds
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
    """Every promise that some run judged, by drill and name."""
    found: dict[tuple[str, str, str], list[Point]] = {}
    for run in runs:
        for one in run.digest.judgements if run.digest else ():
            void = bool(run.digest and run.digest.void)
            point = Point(
                seq=run.seq,
                utc=run.utc,
                folder=run.folder,
                declared_seconds=one.declared_seconds,
                lower_seconds=None if void else one.lower_seconds,
                upper_seconds=None if void else one.upper_seconds,
                verdict=one.verdict,
                void=void,
                doubted=run.verdict == "inconclusive",
            )
            found.setdefault((run.drill, one.subject, one.objective), []).append(point)
    return [Promise(*names, tuple(points)) for names, points in sorted(found.items())]
