"""A simulated week of noisy probes of a service that is well: lost packets, and stalls. No clock, no network.

5 % of the looks are lost at random, each vantage on its own; every so often everything stands still for two
seconds, for all vantages, sometimes twice in a row. Looks that are answered well are skipped up to
the last one before trouble: they only end a row that has ended already.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from sites.plan import Detect
from sites.recovery.detection import HERE, Detector, Setting

WEEK_SECONDS = 7 * 24 * 3600.0
LOSS, STALL_SECONDS, STALL_EVERY_SECONDS = 0.05, 2.0, 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """What was declared in that time, and of how many looks."""

    declared: int
    looks: int


def setting(detect: Detect, vantages: tuple[str, ...] = (HERE,)) -> Setting:
    return Setting(
        detect.every.seconds,
        detect.limit.seconds,
        detect.refused,
        detect.silent,
        vantages,
        detect.quorum or len(vantages) // 2 + 1,
        detect.again.seconds,
    )


def week(with_: Setting, seed: int, seconds: float = WEEK_SECONDS) -> Found:
    """How often a service that is well would have been declared gone."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    stalls = list(_stalls(chance, seconds))
    detector, declared, looks = Detector(with_), 0, 0
    at = dict.fromkeys(with_.vantages, 0.0)
    surely_good = dict.fromkeys(with_.vantages, False)
    following = {name: iter(stalls) for name in with_.vantages}
    stall = {name: next(following[name], math.inf) for name in with_.vantages}
    while (now := min(at.values())) < seconds:
        name = min(at, key=at.__getitem__)
        while stall[name] + STALL_SECONDS <= now:
            stall[name] = next(following[name], math.inf)
        silent = not surely_good[name] and (
            stall[name] - with_.limit_seconds <= now or chance.random() < LOSS
        )
        declared += detector.add(name, "silent" if silent else "good", now) is not None
        looks += 1
        at[name] = now + (max(with_.every_seconds, with_.limit_seconds) if silent else with_.every_seconds)
        skipped = 0
        if not silent and not surely_good[name]:
            skipped = _good_looks(chance, at[name], stall[name] - with_.limit_seconds, with_.every_seconds)
            looks += max(0, skipped - 1)
            at[name] += max(0, skipped - 1) * with_.every_seconds
        surely_good[name] = skipped > 0
    return Found(declared, looks)


def _stalls(chance: random.Random, seconds: float) -> Iterator[float]:
    at = chance.expovariate(1 / STALL_EVERY_SECONDS)
    while at < seconds:
        yield at
        at += STALL_SECONDS + chance.expovariate(1 / STALL_EVERY_SECONDS)


def _good_looks(chance: random.Random, now: float, stall: float, every: float) -> int:
    """How many looks in a row are answered well before one is lost or falls into the next stall."""
    until_lost = int(math.log(1.0 - chance.random()) / math.log(1.0 - LOSS))
    until_stall = math.inf if stall == math.inf else max(0, math.ceil((stall - now) / every))
    return int(min(until_lost, until_stall))


def outage_declared_after(with_: Setting, seed: int) -> float:
    """Seconds from a real loss to its declaration, in the same noise and from whatever moment of the beat."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    detector, lost = Detector(with_), chance.uniform(60.0, 120.0)
    at = {name: chance.uniform(0.0, with_.every_seconds) for name in with_.vantages}
    while True:
        name = min(at, key=at.__getitem__)
        began = at[name]
        silent = began >= lost or chance.random() < LOSS
        seen = began + (with_.limit_seconds if silent else 0.0)
        if detector.add(name, "silent" if silent else "good", seen) is not None and began >= lost:
            return seen - lost
        at[name] = max(began + with_.every_seconds, seen)
