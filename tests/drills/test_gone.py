"""When a drill looks whether anything of the old primary still runs, and of which faults it may say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from drills.gone import tell_of_primary
from drills.recording import RecorderState, Recording
from sites.capability import Proof, SiteDriver
from sites.errors import SiteError
from sites.plan.faults import KillService, KillSite, Partition, PauseSite
from tests.drills.test_guard import DeskEstate, an_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording, perform

KILL = KillSite(kind="kill_site", site="primary")
PAUSE = PauseSite(kind="pause_site", site="primary")
CUT_OFF = Partition(kind="partition", site="primary")
ONE_DEAD = KillService(kind="kill_service", site="primary", process="postgres")


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


def told(estate: LostEstate, fault: Any, *, at_last: bool) -> list[str]:
    recording = FakeRecording()
    drill = estate.plan.drills["kill-primary"].model_copy(update={"fault": fault})
    tell_of_primary(estate, drill, cast(Recording, recording), at_last=at_last)
    return recording.told


@pytest.mark.parametrize("fault", [KILL, PAUSE, CUT_OFF, ONE_DEAD])
def test_right_after_the_fault_only_a_killed_site_is_asked(estate: LostEstate, fault: Any) -> None:
    assert told(estate, fault, at_last=False) == (["old_primary_gone"] if fault is KILL else [])
    assert told(estate, fault, at_last=True) == ["old_primary_gone"]


@pytest.mark.parametrize("proof", [Proof(False, "3 processes are alive"), None])
def test_one_that_runs_or_cannot_be_asked_is_not_called_gone(estate: LostEstate, proof: Proof | None) -> None:
    estate.lost = FakeSite(proof)
    assert told(estate, KILL, at_last=True) == []


def test_another_site_than_the_primary_s_is_nobody_s_proof(estate: LostEstate) -> None:
    assert told(estate, PAUSE.model_copy(update={"site": "dr"}), at_last=True) == []


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
    assert since == [*(["old_primary_gone"] if early else []), "LOOK", "old_primary_gone"]
