"""When a drill looks whether anything of the old primary still runs, and of which faults it may say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import pytest

from drills.gone import tell_at_last, tell_of_primary
from drills.recording import RecorderState, Recording
from sites.capability import Proof, SiteDriver
from sites.errors import SiteError
from sites.fences import Fences
from sites.plan.faults import (
    FreezeReplica,
    KillService,
    KillSite,
    NoFault,
    Partition,
    PauseSite,
    ShellFault,
)
from tests.drills.test_guard import DeskEstate, an_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording, perform

KILL = KillSite(kind="kill_site", site="primary")
PAUSE = PauseSite(kind="pause_site", site="primary")
CUT_OFF = Partition(kind="partition", site="primary")
LATER_NS = 2**62
ONE_DEAD = KillService(kind="kill_service", site="primary", process="postgres")
OWN = ShellFault(
    kind="shell", site="primary", name="it is off", inject=("off",), effective=("off?",), heal=("on",)
)
NOBODYS = NoFault(kind="none")
FROZEN = FreezeReplica(kind="freeze_replica", dataset="orders")


class FakeSite:
    """Gone, running or not to be asked."""

    name = "primary"

    def __init__(self, proof: Proof | None) -> None:
        self._proof = proof

    def proven_gone(self) -> Proof:
        if self._proof is None:
            raise SiteError("no route to it")
        return self._proof


class LostEstate(DeskEstate):
    """The example's, with a site of which nothing runs unless told otherwise."""

    lost = FakeSite(Proof(True, "no process of it is alive"))

    def site(self, name: str) -> SiteDriver:
        assert name == "primary"
        return cast(SiteDriver, self.lost)


@pytest.fixture
def estate(tmp_path: Path) -> LostEstate:
    made = an_estate(tmp_path)
    return LostEstate(made.plan)


def told(
    estate: LostEstate, fault: Any, *, at_last: bool, recording: FakeRecording | None = None
) -> list[str]:
    recording = recording or FakeRecording()
    drill = estate.plan.drills["kill-primary"].model_copy(update={"fault": fault})
    if at_last:
        tell_at_last(estate, drill, cast(Recording, recording), lambda: None)
    else:
        tell_of_primary(estate, drill, cast(Recording, recording))
    return recording.told


@pytest.mark.parametrize("fault", [KILL, PAUSE, CUT_OFF, ONE_DEAD, OWN])
def test_right_after_the_fault_only_a_killed_site_is_asked(estate: LostEstate, fault: Any) -> None:
    assert told(estate, fault, at_last=False) == (["old_primary_gone"] if fault is KILL else [])
    assert told(estate, fault, at_last=True) == ["old_primary_gone"]


@pytest.mark.parametrize("proof", [Proof(False, "3 processes are alive"), None])
def test_one_that_runs_or_cannot_be_asked_is_not_called_gone(estate: LostEstate, proof: Proof | None) -> None:
    estate.lost = FakeSite(proof)
    assert told(estate, KILL, at_last=True) == []


@pytest.mark.parametrize("fault", [PAUSE.model_copy(update={"site": "dr"}), NOBODYS, FROZEN])
def test_a_primary_that_was_not_struck_is_asked_where_a_failover_fenced_it(
    estate: LostEstate, fault: Any
) -> None:
    assert told(estate, fault, at_last=True) == []
    Fences(estate.state).raise_("primary", "failover")
    assert told(estate, fault, at_last=True) == ["old_primary_gone"]


class Silent(FakeRecording):
    """The oldest write to the old primary that nobody answered yet was sent now, later, or there is none."""

    def __init__(self, *oldest: int | None) -> None:
        super().__init__()
        self.looks = 0
        self.limit_seconds = 0.0
        self._oldest = oldest

    def state(self) -> RecorderState:
        self.looks += 1
        oldest_ns = self._oldest[min(self.looks, len(self._oldest)) - 1]
        return replace(super().state(), old_primary_oldest_ns=oldest_ns)

    def wait_until(self, condition: Callable[[RecorderState], bool], limit_seconds: float) -> RecorderState:
        self.limit_seconds = limit_seconds
        while not condition(state := self.state()) and self.looks < 9:
            assert "old_primary_gone" not in self.told
        return state


@pytest.mark.parametrize(
    ("oldest", "looks"), [((None,), 1), ((LATER_NS,), 1), ((1, 1, None), 3), ((1, 1, LATER_NS), 3), ((1,), 9)]
)
def test_it_is_asked_once_all_has_settled_that_was_sent_until_then(
    estate: LostEstate, oldest: tuple[int | None, ...], looks: int
) -> None:
    """One that refuses leaves nothing under way; one that is silent leaves each write to its limit."""
    recording = Silent(*oldest)
    assert told(estate, CUT_OFF, at_last=True, recording=recording) == ["old_primary_gone"]
    assert recording.looks == looks
    limit_seconds = estate.plan.drills["kill-primary"].canary.limit.seconds
    assert limit_seconds < recording.limit_seconds <= limit_seconds + 1


def test_who_may_go_on_no_longer_does_not_wait(estate: LostEstate) -> None:
    def leave() -> None:
        raise SiteError("the lever was pulled")

    recording = Silent(1)
    with pytest.raises(SiteError, match="lever"):
        tell_at_last(estate, estate.plan.drills["kill-primary"], cast(Recording, recording), leave)
    assert recording.told == []


class WatchedRecording(FakeRecording):
    """Keeps when the drill looked whether the service is stable, too."""

    def state(self) -> RecorderState:
        self.told.append("LOOK")
        return super().state()


@pytest.mark.parametrize(("fault", "early"), [(KILL, True), (PAUSE, False), (CUT_OFF, False)])
def test_a_drill_asks_at_the_end_of_each_fault_and_early_of_a_kill(
    estate: LostEstate, fault: Any, early: bool
) -> None:
    recording = WatchedRecording()
    assert perform(estate, recording, FakeFault(recording), fault=fault) is None
    since = recording.told[recording.told.index("fault_effective") + 1 : recording.told.index("VERIFY")]
    assert [each for each, _ in groupby(since)] == [
        *(["old_primary_gone"] if early else []),
        "LOOK",
        "old_primary_gone",
    ]
