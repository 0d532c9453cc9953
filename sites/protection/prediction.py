"""How long a cold recovery would restore: foretold from what restore tests have measured, no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sites.protection.history import History


@dataclass(frozen=True, slots=True)
class Prediction:
    """`by_dataset` is what each one's last restore test that was met took to restore, in seconds.

    `unproven` names those that have none: nothing is foretold of them, and `seconds` is a lower bound.
    `oldest` is when the oldest of the tests ran.
    """

    by_dataset: dict[str, float]
    bytes: int
    unproven: tuple[str, ...]
    oldest: datetime | None

    @property
    def seconds(self) -> float:
        return sum(self.by_dataset.values())

    def told(self) -> str:
        said = f"restores take about {self.seconds:.1f} s, by the last restore tests"
        return f"{said}; unknown for {', '.join(self.unproven)}" if self.unproven else said


def predicted(history: History, names: Iterable[str]) -> Prediction:
    """Raises SiteError when the history cannot be read."""
    tests = {name: history.last("restore_test", dataset=name, outcomes=("met",)) for name in names}
    met = {name: test for name, test in tests.items() if test is not None}
    return Prediction(
        by_dataset={name: float(test.detail.get("seconds", 0.0)) for name, test in met.items()},
        bytes=sum(int(test.detail.get("bytes", 0)) for test in met.values()),
        unproven=tuple(name for name in tests if name not in met),
        oldest=min((test.utc for test in met.values()), default=None),
    )
