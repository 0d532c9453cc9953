"""Detection, pure: from signs alone, each of one vantage and one instant, is the service gone?

Refusal (something answers, and says no) and silence (nothing answers) have thresholds of their own: a refusal
is certain at once, silence may be a lost packet. A vantage votes once its row of bad signs is long enough,
and takes its vote back with the first good one. As many votes at a time as the quorum are a declaration.

Who cannot look has no vote, and neither has who did not look for a while: that nobody looked, because this
machine stood still, is no sign of the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Sign = Literal["good", "refused", "silent", "blind"]
Why = Literal["refused", "silent"]

HERE = "here"
_STALE_LOOKS = 3  # so many looks without one make a row begin anew


@dataclass(frozen=True, slots=True)
class Setting:
    """One look every `every_seconds` at each vantage; not answered in `limit_seconds`, it is silence.

    `refused` refusals in a row are a vote, and so are `silent` bad signs. `quorum` votes are a declaration.
    A refusal costs no waiting, so it is looked at again after `again_seconds` already, until the row is long
    enough.
    """

    every_seconds: float
    limit_seconds: float
    refused: int
    silent: int
    vantages: tuple[str, ...] = (HERE,)
    quorum: int = 1
    again_seconds: float | None = None

    def beat_seconds(self, refusals: int) -> float:
        """From one look to the next, after so many refusals in a row."""
        if self.again_seconds is None or not 0 < refusals < self.refused:
            return self.every_seconds
        return min(self.again_seconds, self.every_seconds)

    def budget_seconds(self, why: Why) -> float:
        """How long after the loss it is declared at the latest, on a machine that has time for it."""
        if why == "refused":
            return self.every_seconds + (self.refused - 1) * self.beat_seconds(1)
        return self.every_seconds + self.silent * max(self.every_seconds, self.limit_seconds)

    def told(self) -> str:
        """In one line: what a figure that was measured with it has to be read with."""
        seen = ", ".join(self.vantages)
        return (
            f"one look every {self.every_seconds:g} s, again after {self.beat_seconds(1):g} s where it was "
            f"refused, silence after {self.limit_seconds:g} s; "
            f"{self.refused} refusals in a row or {self.silent} bad signs with silence among them; "
            f"{self.quorum} of {len(self.vantages)} vantages ({seen}); declared within "
            f"{self.budget_seconds('refused'):g} s of a refusal, "
            f"{self.budget_seconds('silent'):g} s of silence"
        )


@dataclass(frozen=True, slots=True)
class Declaration:
    """That the service is gone: the signs that say so, the newest last, and the vantages that saw them."""

    why: Why
    signs: tuple[Sign, ...]
    vantages: tuple[str, ...] = (HERE,)


class Detector:
    """Takes signs with the instants at which they were seen, in seconds of one clock that never goes back."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._rows: dict[str, list[Sign]] = {name: [] for name in setting.vantages}
        self._good: dict[str, int] = dict.fromkeys(setting.vantages, 0)
        self._seen: dict[str, tuple[float, Sign]] = {}
        self._stale_seconds = _STALE_LOOKS * (setting.every_seconds + setting.limit_seconds)

    def add(self, vantage: str, sign: Sign, at: float) -> Declaration | None:
        """Take one more sign. A good one ends its vantage's row."""
        row = self._rows[vantage]
        before, _ = self._seen.get(vantage, (at, "good"))
        self._seen[vantage] = (at, sign)
        self._good[vantage] = self._good[vantage] + 1 if sign == "good" else 0
        if sign in ("good", "blind") or at - before > self._stale_seconds:
            row.clear()
        if sign in ("good", "blind"):
            return None
        row.append(sign)
        del row[: -max(self.setting.refused, self.setting.silent)]
        return self._declared(vantage, at)

    def sighted(self, at: float) -> tuple[str, ...]:
        """The vantages that looked lately, and could."""
        return tuple(
            name
            for name, (when, sign) in self._seen.items()
            if sign != "blind" and at - when <= self._stale_seconds
        )

    def well(self, at: float) -> bool:
        """Whether the service answers everybody who can look, as often in a row as a refusal has to last."""
        sighted = self.sighted(at)
        enough = len(sighted) >= self.setting.quorum
        return enough and all(self._good[name] >= self.setting.refused for name in sighted)

    def forget(self) -> None:
        """Begin every row anew: what was declared once is not declared again by the same signs."""
        for row in self._rows.values():
            row.clear()

    def _declared(self, vantage: str, at: float) -> Declaration | None:
        cast = {name: self._vote(name) for name in self.sighted(at)}
        votes = {name: why for name, why in cast.items() if why is not None}
        if len(votes) < self.setting.quorum or vantage not in votes:
            return None
        heard: Why = "silent" if "silent" in votes.values() else "refused"
        return Declaration(heard, tuple(self._rows[vantage]), tuple(sorted(votes)))

    def _vote(self, vantage: str) -> Why | None:
        row = self._rows[vantage]
        if _longest(row, "refused") >= self.setting.refused:
            return "refused"
        return "silent" if len(row) >= self.setting.silent else None


def _longest(row: list[Sign], wanted: Sign) -> int:
    """How many of that sign came in a row: refusals with silence between them are a row of bad signs only."""
    return max((len(list(run)) for sign, run in groupby(row) if sign == wanted), default=0)
