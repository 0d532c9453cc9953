"""What is planted, and what the server that planted it says of it. Plain data, so that JSON carries it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Kind = Literal["refuse", "hang", "reset"]
Loss = Literal["lost", "duplicated", "corrupt", "resurrected"]

MS: Final = 1_000_000
LOSSES: Final[tuple[Loss, ...]] = ("lost", "duplicated", "corrupt", "resurrected")


@dataclass(frozen=True, slots=True)
class Case:
    """One outage of a kind and length, and how many writes go wrong in each way.

    `lost_after` are acknowledged and lost once the service is back.
    """

    kind: Kind
    length_ns: int
    losses: dict[Loss, int] = field(default_factory=dict)
    lost_after: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.length_ns / 1e9:g} s"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server really did, on the clock that it shares with the recorder.

    The outage began between the first two instants and ended between the last two. Numbers are those of
    the writes that went wrong. `held_up` are the stretches in which the server's own loop stood
    still meanwhile.
    """

    begun_ns: tuple[int, int]
    ended_ns: tuple[int, int]
    lost: frozenset[int] = frozenset()
    lost_after: frozenset[int] = frozenset()
    duplicated: frozenset[int] = frozenset()
    corrupt: frozenset[int] = frozenset()
    resurrected: frozenset[int] = frozenset()
    held_up: tuple[tuple[int, int], ...] = ()

    def without(self, deleted: Set[int]) -> Truth:
        """Less the writes whose deletion may have been done: those are lost no more."""
        lost = ("lost", "lost_after")
        return replace(self, **{way: getattr(self, way) - deleted for way in lost})

    @property
    def shortest_ns(self) -> int:
        return self.ended_ns[0] - self.begun_ns[1]

    @property
    def longest_ns(self) -> int:
        return self.ended_ns[1] - self.begun_ns[0]


def _with_losses(kind: Kind, length_ms: int, count: int) -> Case:
    return Case(kind, length_ms * MS, dict.fromkeys(LOSSES, count), lost_after=count)


SHORT: Final = (
    _with_losses("refuse", 200, 3),
    Case("hang", 250 * MS),
    Case("reset", 50 * MS),
)
"""A few seconds in all: what a drill runs that finds no fresh calibration."""

FULL: Final = (
    *SHORT,
    *(
        _with_losses(kind, length, 5)
        for kind in ("refuse", "hang", "reset")
        for length in (10, 100, 1_000, 5_000)
    ),
)

LONG: Final = tuple(_with_losses(kind, 60_000, 20) for kind in ("refuse", "hang", "reset"))
"""A minute each: for the campaign."""
