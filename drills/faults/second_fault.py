"""A second fault, while the runbook is at work on the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from drills.fault import Fault, Healing, Left, in_words, undone
from drills.faults.kill_site import KillSite
from sites.capability import Proof, Target
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.plan.faults import SecondFault as Noun
from sites.plan.noun import Noun as AnyNoun

_TARGETS, _DATA = "second_targets", "second"
_UNDONE = ("stuck", "reverted, fenced", "target_gone", "reverted")  # what counts for both, the worst first


class SecondFault(KillSite):
    """Both are armed, and on disk, before the first strikes. They are healed in the other order."""

    def __init__(self, estate: Estate, noun: Noun, make: Callable[[Estate, AnyNoun], Fault]) -> None:
        super().__init__(estate, noun.site)
        self._noun = noun
        self._first = KillSite(estate, noun.site)
        self._second = make(estate, noun.second)

    @property
    def milestone(self) -> str:
        return self._noun.at

    def ready(self) -> list[Target]:
        then = [Target(one.site, f"then {one.kind}", one.name, one.detail) for one in self._second.ready()]
        return [*super().ready(), *then]

    def arm(self, room: Path) -> dict[str, object]:
        names = [target.name for target in self._second.ready() if target.kind == "process"]
        second = self._second.arm(room / _DATA)
        return super().arm(room) | {_TARGETS: names, _DATA: second}

    def follow(self, left: Left) -> Proof:
        return self._second.inject(self._left_of_second(left))

    def heal(self, left: Left) -> Healing:
        """Both, each by its own rule: a second that is stuck withholds nothing from the first."""
        second = _tried(self._second, self._left_of_second(left))
        first = _tried(self._first, self._left_of_first(left))
        worse = min(first.undone, second.undone, key=_UNDONE.index)
        return Healing(worse, f"{second.how}; {first.how}", first.known and second.known)

    def healed(self, left: Left) -> Proof:
        second = self._second.healed(self._left_of_second(left))
        return super().healed(left) if second.holds else second

    def _left_of_first(self, left: Left) -> Left:
        """One that was started and runs is tried again only for a second that is stuck: silence that came
        later is no reason to put it down.
        """
        if not left.last or not left.targets:
            return left
        try:
            return replace(left, last=not self._first.healed(left).holds)
        except BlackstartError:
            return left

    @staticmethod
    def _left_of_second(left: Left) -> Left:
        names, data = left.data.get(_TARGETS), left.data.get(_DATA)
        targets = tuple(map(str, names)) if isinstance(names, list) else ()
        return Left(targets, left.room / _DATA, data if isinstance(data, dict) else {}, left.last)

    def expected(self) -> str:
        return f'{super().expected()}; at "{self.milestone}": {self._second.expected()}'

    def undo(self) -> str:
        return f"{self._second.undo()}; {super().undo()}"


def _tried(fault: Fault, left: Left) -> Healing:
    """Believed only when it is seen; what breaks is stuck, and keeps the other from nothing."""
    try:
        return undone(fault, left)
    except Exception as error:  # noqa: BLE001 - whoever undoes says it, and tries again
        return Healing("stuck", in_words(error))
