"""How old the newest write was that a run kept: what is younger than that was never at risk in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

_NS = 1_000_000_000


class Newest(BaseModel):
    """The newest write before the fault that was kept; None: there was none.

    `turn_seconds`: how old it is at most in a service that is well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    age_seconds: float | None
    turn_seconds: float

    def too_old(self, limit_seconds: float) -> str:
        """Why it shows nothing of a promise of that length that nothing is lost; "" where it does."""
        if self.age_seconds is None:
            return "no write was acknowledged before the fault, so none was at risk"
        if self.age_seconds > (limit_seconds or self.turn_seconds):
            age = f"nothing was acknowledged in the last {self.age_seconds:.3g} s before the fault"
            return f"{age}: nothing of it was at risk"
        return ""


def newest(report: dict[str, Any], points: Iterable[dict[str, Any]]) -> dict[str, Newest]:
    """Of report.json's points, by stream."""
    streams = {one["name"]: one for one in report["streams"]}
    late = report["limits"]["late_seconds"]
    return {
        one["stream"]: Newest(
            age_seconds=one["newest_survivor_age_seconds"],
            turn_seconds=_turn_seconds(streams[one["stream"]], late),
        )
        for one in points
    }


def _turn_seconds(stream: dict[str, Any], late_seconds: float | None) -> float:
    """As the judge has it, in whole ns: an interval and one and a half of `late`, or two intervals."""
    interval_ns: int = round(stream["interval_seconds"] * _NS)
    if late_seconds is None or stream["role"] == "marks":
        return 2 * interval_ns / _NS
    late_ns: int = round(late_seconds * _NS)
    return (interval_ns + late_ns // 2 + late_ns) / _NS
