"""A witness in memory, whose answers may be lost; and clocks that run at their own pace."""

from __future__ import annotations

import itertools

from sites.capability import Seen
from sites.errors import BucketUnreachable


class FakeWitness:
    """Keeps conditions as S3 does. `lose`: the next write is carried out, and its answer is lost."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self.lose = False
        self._marks = itertools.count(1)

    def read(self) -> Seen | None:
        return self.seen

    def write(self, content: bytes, seen: Seen | None) -> Seen | None:
        if (seen.etag if seen else None) != (self.seen.etag if self.seen else None):
            return None
        self.seen = Seen(content, str(next(self._marks)))
        if self.lose:
            self.lose = False
            raise BucketUnreachable("the answer was lost")
        return self.seen


class Clock:
    """`now` is the time of the world; a clock that runs at a pace sees it in its own way."""

    def __init__(self) -> None:
        self.now = 0.0

    def at(self, pace: float, offset: float = 0.0) -> Reading:
        return Reading(self, pace, offset)


class Reading:
    def __init__(self, world: Clock, pace: float, offset: float) -> None:
        self._world, self._pace, self._offset = world, pace, offset

    def __call__(self) -> float:
        return self._world.now * self._pace + self._offset

    def sleep(self, seconds: float) -> None:
        self._world.now += seconds / self._pace
