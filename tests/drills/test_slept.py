"""A drill whose machine slept, or was held, before the damage does none when it goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from drills import drill as drilling
from drills import recording
from drills.closing import Closed
from drills.window import Clocks, check_awake
from sites.errors import GuardError
from tests.drills.small_drill import DRILL, small_estate
from tests.drills.test_guard import DeskEstate
from tests.drills.test_opening import begin
from tests.drills.test_opening import estate as estate  # the desk, whose guards all pass
from tests.drills.test_rehearsal import FakeDeadMan, FakeRecording, FakeResponse

SATURDAY = Clocks(1_000.0, 5_000.0, 1_780_000_000.0)
WEEKEND = 2 * 86_400.0


def later(*, ran: float, boot: float = 0.0, wall: float = 0.0) -> Clocks:
    """So long later by the monotonic clock, and so much more by the other two."""
    at = SATURDAY
    return Clocks(at.monotonic + ran, at.boot + ran + boot, at.wall + ran + wall)


@pytest.mark.parametrize(
    ("now", "slept"),
    [
        (later(ran=4 * 3600.0), False),
        (later(ran=60.0, boot=299.0, wall=299.0), False),
        (later(ran=60.0, boot=WEEKEND, wall=WEEKEND), True),
        (later(ran=60.0, boot=WEEKEND, wall=0.0), True),  # its wall clock was put back meanwhile
        (later(ran=60.0, boot=0.0, wall=WEEKEND), True),  # a virtual machine that was held
        (later(ran=60.0, boot=0.0, wall=-WEEKEND), False),
    ],
)
def test_what_a_machine_did_not_notice_counts_as_late(tmp_path: Path, now: Clocks, slept: bool) -> None:
    drill = small_estate(tmp_path).plan.drills[DRILL]
    assert str(drill.late_start) == "5m"
    if not slept:
        check_awake(drill, DRILL, SATURDAY, now)
        return
    with pytest.raises(GuardError, match=r"slept, .* 172800 s since the drill began; more than 5m counts"):
        check_awake(drill, DRILL, SATURDAY, now)


def test_the_clocks_of_this_machine_go_on_together() -> None:
    before = Clocks.now()
    assert abs(Clocks.now().stood_since(before)) < 60.0


class StandsBy(FakeDeadMan, AbstractContextManager["StandsBy"]):
    def __exit__(self, *_: object) -> None:
        assert self.stood_down


@pytest.mark.parametrize("slept", [False, True])
def test_a_drill_that_goes_on_after_the_weekend_strikes_nothing(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch, slept: bool
) -> None:
    estate.plan.drills["kill-primary"] = estate.plan.drills["kill-primary"].model_copy(
        update={"phase": estate.plan.drills["kill-primary"].lead}
    )
    readings = iter([SATURDAY, later(ran=9.0, boot=WEEKEND if slept else 0.0)])
    monkeypatch.setattr(Clocks, "now", lambda: next(readings))
    told = FakeRecording()
    told.path = Path("nowhere")  # type: ignore[attr-defined]
    for name, made in (
        ("prepare", None),
        ("calibrated_instrument", None),
        ("at_its_rate", (estate.plan.drills["kill-primary"], None)),
        ("versions", []),
        ("arrange", None),
        ("Response", FakeResponse()),
        ("DeadMan", StandsBy()),
        ("close", cast(Closed, SimpleNamespace())),
    ):
        monkeypatch.setattr(drilling, name, lambda *_, _made=made, **__: _made)
    monkeypatch.setattr(recording, "start", lambda *_, **__: told)
    begin(estate)
    assert ("fault_begin" in told.told, "aborted" in told.told) == (not slept, slept)
    if slept:
        assert "172800 s since the drill began" in told.details["aborted"]["reason"]
