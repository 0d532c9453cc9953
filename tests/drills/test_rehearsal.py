"""Whatever breaks a drill off, what was injected is undone, said, and never doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from drills import bystanders as bystanding
from drills import rehearsal, undoing
from drills.bystanders import Bystanders, Watched
from drills.deadman import DeadMan
from drills.fault import Fault, Healing, Left
from drills.following import Due
from drills.lever import Lever
from drills.recording import RecorderError, RecorderRefusal, RecorderState, Recording, Stamp
from drills.recover import undo_pending
from drills.rehearsal import Rehearsal
from drills.response import Response
from drills.undo import Undo, UndoIntents, room_of
from rto_rpo.objective import parse_duration
from sites.capability import Proof, Target
from sites.errors import BlackstartError, DatasetError, GuardError
from sites.plan.faults import ReplicatedDamage
from sites.recovery.under_way import journal_of
from tests.drills.test_guard import DeskEstate, Standby, an_estate

AT_ONCE = parse_duration("0s")


class FakeRecording:
    """Steady at once and stable at once; keeps what it was told. `lost_at` names the event it dies at.

    `refusals` is how often the service is not steady any more by the time of the freezing.
    """

    def __init__(self, *, steady: bool = True, lost_at: str | None = None, refusals: int = 0) -> None:
        self.refusals = refusals
        self.told: list[str] = []
        self.details: dict[str, dict[str, Any]] = {}
        self.checks: dict[str, str] = {}
        self._steady, self._lost_at = steady, lost_at

    def state(self) -> RecorderState:
        return RecorderState("steady", self._steady, 3.0, True, 3.0, 300, 300, 10**8, 0.0, False)

    def wait_until(self, condition: Callable[[RecorderState], bool], limit_seconds: float) -> RecorderState:
        assert limit_seconds > 0
        condition(self.state())
        return self.state()

    def freeze(self) -> int:
        if self.refusals:
            self.refusals -= 1
            raise RecorderRefusal("the service is not steady")
        self.told.append("steady")
        return 10**8

    def event(self, name: str, *, source: str = "drill", detail: Any = None, sync: bool = False) -> Stamp:
        assert sync == (name == "fault_begin"), source
        if name == self._lost_at:
            raise RecorderError("the recorder is gone")
        self.told.append(name)
        self.details[name] = detail or {}
        if name == "check":
            self.checks[self.details[name]["name"]] = str(self.details[name]["reason"])
        return Stamp(0, 0)

    def stop(self) -> None:
        self.told.append("STOP")

    def stop_old_primary(self, *, limit_seconds: float) -> None:
        assert limit_seconds > 0
        self.told.append("STOP OLD")

    def verify(self) -> None:
        self.told.append("VERIFY")

    def finish(self, reason: str) -> None:
        self.told.append(f"FINISH {reason}")


class SilentRecording(FakeRecording):
    """Nothing is served after the fault, and the deadline is far."""

    def state(self) -> RecorderState:
        return RecorderState("steady", True, 3.0, False, 0.0, 300, 300, 10**8, 0.0, False)


class OverdueRecording(FakeRecording):
    """At its deadline, and not stable: long enough, or at all."""

    def __init__(self, *, served_seconds: float = 3.0) -> None:
        super().__init__()
        self._served_seconds = served_seconds

    def state(self) -> RecorderState:
        return RecorderState("fault", True, 3.0, False, self._served_seconds, 300, 300, 10**8, 0.0, True)


class FakeFault:
    """Takes effect, and heals, unless told otherwise."""

    reversible = True
    revives = True

    def __init__(self, recording: FakeRecording, *, inject: Any = None, heal: Any = None) -> None:
        self._recording, self._inject, self._heal = recording, inject, heal
        self.healings: list[Left] = []

    def ready(self) -> list[Target]:
        return [Target("primary", "process", "postgres")]

    def arm(self, room: Path) -> dict[str, object]:
        return {"room": str(room)}

    def effective(self, left: Left) -> Proof:
        return Proof(not self.healings, left.targets[0])

    def healed(self, left: Left) -> Proof:
        return Proof(bool(self.healings), left.targets[0])

    def inject(self, left: Left) -> Proof:
        assert left.data == {"room": str(left.room)}
        if self._inject is not None:
            return cast(Proof, self._inject())
        return Proof(True, "it is gone")

    def expected(self) -> str:
        return "it is gone"

    def undo(self) -> str:
        return "start it"

    def heal(self, left: Left) -> Healing:
        self._recording.told.append("HEAL")
        self.healings.append(left)
        return cast(Healing, self._heal()) if self._heal is not None else Healing("reverted", "it runs")


class FakeResponse:
    outlasted = False

    def __init__(self, *, ended_before: bool = False, ends: bool = True) -> None:
        self.started, self.concluded, self.called_off = False, False, False
        self._ended_before, self._ends = ended_before, ends
        self._asked = 0

    @property
    def ended(self) -> bool:
        self._asked += 1
        return self._ended_before or self._asked > 1  # the first time it is asked is before the fault

    def start(self) -> None:
        self.started = True

    def strike_at(self, milestone: str, act: Callable[[], Proof]) -> None:
        self.due = (milestone, act)

    def call_off(self) -> None:
        self.called_off = True

    def stop(self, limit_seconds: float) -> bool:
        assert limit_seconds > 0
        return self._ends

    def conclude(self, *, broken_off: bool) -> None:
        self.concluded = True
        self.broken_off = broken_off


class FakeDeadMan:
    """Stands by and lives on, unless told otherwise."""

    def __init__(self, *, stands: bool = True, lives: bool = True) -> None:
        self.stands, self.lives, self.stood_down = stands, lives, False

    def require(self) -> None:
        if not self.stands:
            raise GuardError("no dead-man stands by")

    def require_alive(self) -> None:
        if not self.lives:
            raise BlackstartError("the dead-man is gone")

    def stand_down(self) -> None:
        self.stood_down = True


@pytest.fixture
def estate(tmp_path: Path) -> DeskEstate:
    return an_estate(tmp_path)


def undo_of(estate: DeskEstate) -> Undo:
    return Undo(
        run="a",
        drill="kill-primary",
        utc="2026-11-22T06:00:00+00:00",
        fault={"kind": "kill_site", "site": "primary"},
        undo="start it",
        targets=["postgres"],
        plan_path=str(estate.plan.path),
        plan_text=estate.plan.raw.decode(),
        variables=dict(estate.plan.variables),
    )


def perform(
    estate: DeskEstate,
    recording: FakeRecording,
    fault: FakeFault,
    /,
    response: FakeResponse | None = None,
    dead_man: FakeDeadMan | None = None,
    bystanders: Bystanders | None = None,
    last_look: Callable[[], None] = lambda: None,
    seed: int = 1,
    **changes: object,
) -> BaseException | None:
    """`changes` are keys of the drill."""
    drill = Rehearsal(
        estate,
        "kill-primary",
        estate.plan.drills["kill-primary"].model_copy(update={"phase": AT_ONCE} | changes),
        cast(Recording, recording),
        cast(Response, response),
        seed,
        lambda _: None,
        cast(DeadMan, dead_man or FakeDeadMan()),
        bystanders or Bystanders([]),
        last_look,
    )
    return drill.perform(cast(Fault, fault), undo_of(estate))


def test_a_drill_that_runs_its_course(estate: DeskEstate) -> None:
    recording, response = FakeRecording(), FakeResponse()
    fault = FakeFault(recording)
    assert perform(estate, recording, fault, response) is None
    expected = ["steady", "fault_begin", "fault_end", "fault_effective", "VERIFY", "HEAL", "undo", "healed"]
    assert recording.told == [*expected, "FINISH stable"]
    assert response.started
    assert response.concluded
    assert not response.broken_off
    assert [left.targets for left in fault.healings] == [("postgres",)]
    assert UndoIntents(estate.state).pending() == []


def test_the_moment_of_the_fault_is_drawn_from_the_declared_phase_by_the_seed(estate: DeskEstate) -> None:
    def begun(seed: int, phase: str) -> dict[str, float]:
        recording = FakeRecording()
        assert (
            perform(estate, recording, FakeFault(recording), seed=seed, phase=parse_duration(phase)) is None
        )
        return recording.details["fault_begin"]

    drawn = [begun(seed, "20ms") for seed in range(8)]
    moments = [one["phase_seconds"] for one in drawn]
    assert {one["phase_width_seconds"] for one in drawn} == {0.02}
    assert len(set(moments)) == len(moments)
    assert 0 <= min(moments) < max(moments) <= 0.02
    assert begun(3, "20ms") == drawn[3]
    assert begun(3, "0s") == {"phase_seconds": 0.0, "phase_width_seconds": 0.0}


def test_the_lever_is_heard_while_the_moment_of_the_fault_is_waited_for(estate: DeskEstate) -> None:
    class PullsTheLever(FakeRecording):
        def freeze(self) -> int:
            Lever(estate.state).pull("enough")
            return super().freeze()

    recording = PullsTheLever()
    broken_off = perform(estate, recording, FakeFault(recording), phase=parse_duration("1000h"))
    assert "enough" in str(broken_off)
    assert "fault_begin" not in recording.told


def test_how_long_a_drill_may_take_counts_its_phase(estate: DeskEstate) -> None:
    declared = estate.plan.drills["kill-primary"]
    assert str(declared.phase) == "2s"
    wide = declared.model_copy(update={"phase": parse_duration("5m")})
    assert rehearsal.longest_seconds(wide) - rehearsal.longest_seconds(declared) == 298.0


def test_the_intent_is_on_disk_before_the_fault(estate: DeskEstate) -> None:
    recording = FakeRecording()

    def inject() -> Proof:
        assert [undo.run for undo in UndoIntents(estate.state).pending()] == ["a"]
        return Proof(True, "it is gone")

    assert perform(estate, recording, FakeFault(recording, inject=inject)) is None


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), DatasetError("no"), ZeroDivisionError(), SystemExit(1)]
)
def test_what_breaks_it_off_is_handed_back_with_the_fault_undone(
    estate: DeskEstate, error: BaseException
) -> None:
    recording = FakeRecording()

    def inject() -> Proof:
        raise error

    assert perform(estate, recording, FakeFault(recording, inject=inject)) is error
    assert recording.told[2:] == ["STOP", "HEAL", "aborted", "undo", "healed", "FINISH aborted"]


ROWS_GONE = ReplicatedDamage(
    kind="damage_that_replicates", dataset="orders", damage="rows_deleted", table="book.orders"
)


def test_what_the_undo_would_put_back_is_read_before_it(estate: DeskEstate) -> None:
    """Also where nothing serves any more; and the report says that no restore was tried."""
    recording = SilentRecording()
    nothing_serves = {"give_up": parse_duration("50ms"), "fault": ROWS_GONE}
    assert perform(estate, recording, FakeFault(recording), FakeResponse(), **nothing_serves) is None
    assert recording.told.index("VERIFY") < recording.told.index("HEAL")
    assert "not tried" in recording.checks["restore"]


def test_where_a_runbook_waits_for_what_nobody_declares_all_is_read_before_the_undo(
    estate: DeskEstate,
) -> None:
    """The service is well, and its deadline is over: nothing hurries the undo."""
    recording = OverdueRecording()
    assert perform(estate, recording, FakeFault(recording)) is None
    assert recording.told[-5:] == ["VERIFY", "HEAL", "undo", "healed", "FINISH deadline"]


def test_where_nothing_serves_at_the_deadline_the_undo_waits_for_no_reading(estate: DeskEstate) -> None:
    recording = OverdueRecording(served_seconds=0.0)
    assert perform(estate, recording, FakeFault(recording)) is None
    assert recording.told[-5:] == ["STOP", "HEAL", "undo", "healed", "FINISH deadline"]


class FollowingFault(FakeFault):
    milestone = "promoted"
    struck = False

    def follow(self, left: Left) -> Proof:
        assert left.data == {"room": str(left.room)}
        self.struck = True
        return Proof(True, "the other one is gone too")


def pulled(estate: DeskEstate) -> None:
    Lever(estate.state).pull("enough")


def undone_by_somebody(estate: DeskEstate) -> None:
    UndoIntents(estate.state).remove(undo_of(estate))


@pytest.mark.parametrize(
    ("before", "said"),
    [(None, None), (pulled, "stop lever was pulled: enough"), (undone_by_somebody, "carried out already")],
)
def test_a_second_blow_falls_only_while_the_drill_goes_on_and_its_undo_is_on_disk(
    estate: DeskEstate, before: Callable[[DeskEstate], None] | None, said: str | None
) -> None:
    class ComesToTheMilestone(FakeRecording):
        def event(self, name: str, **keys: Any) -> Stamp:
            if name == "fault_effective":
                assert not response.called_off
                (before or (lambda _: None))(estate)
                found.append(Due(*response.due).done())
            return super().event(name, **keys)

        def verify(self) -> None:
            assert response.called_off, "no damage beside what is read"
            super().verify()

    found: list[dict[str, object]] = []
    recording, response = ComesToTheMilestone(), FakeResponse()
    fault = FollowingFault(recording)
    perform(estate, recording, fault, response)
    assert (fault.struck, found[0]["holds"]) == (said is None, said is None)
    assert (said or "gone too") in str(found[0]["how"])
    assert response.called_off


def test_the_instrument_is_stopped_before_an_undo_could_look_like_a_recovery(estate: DeskEstate) -> None:
    recording = FakeRecording()
    fault, response = (
        FakeFault(recording, inject=lambda: Proof(False, "3 processes are alive")),
        FakeResponse(),
    )
    assert "did not take effect" in str(perform(estate, recording, fault, response))
    assert response.broken_off
    assert recording.told.index("STOP") < recording.told.index("HEAL")


def test_an_undo_that_raises_is_stuck_and_keeps_its_intent(estate: DeskEstate) -> None:
    recording = FakeRecording()

    def heal() -> Healing:
        raise DatasetError("permission denied")

    perform(estate, recording, FakeFault(recording, heal=heal))
    assert recording.details["undo"] == {"undone": "stuck", "how": "permission denied"}
    assert recording.details["check"]["verdict"] == "missed"
    assert "healed" not in recording.told
    assert [undo.run for undo in UndoIntents(estate.state).pending()] == ["a"]


def test_nothing_is_undone_beside_a_failover_that_goes_on(estate: DeskEstate) -> None:
    recording = FakeRecording()
    fault = FakeFault(recording)
    perform(estate, recording, fault, FakeResponse(ends=False))
    assert fault.healings == []
    assert recording.details["undo"]["undone"] == "stuck"


def test_nothing_is_undone_while_a_failover_holds_the_journal(estate: DeskEstate) -> None:
    recording = FakeRecording()
    held = []

    def inject() -> Proof:
        held.append(journal_of(estate.state))
        return Proof(True, "it is gone")

    fault = FakeFault(recording, inject=inject)
    perform(estate, recording, fault)
    held[0].close()
    assert fault.healings == []
    assert "another process holds its journal" in recording.details["undo"]["how"]


def test_a_second_interrupt_does_not_keep_it_from_undoing(estate: DeskEstate) -> None:
    recording = FakeRecording()

    def heal() -> Healing:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return Healing("reverted", "it runs")

    perform(estate, recording, FakeFault(recording, heal=heal))
    assert "healed" in recording.told


def test_nothing_is_injected_without_a_responder_on_watch(estate: DeskEstate) -> None:
    recording = FakeRecording()
    fault = FakeFault(recording)
    broken_off = perform(estate, recording, fault, FakeResponse(ended_before=True))
    assert isinstance(broken_off, GuardError)
    assert "fault_begin" not in recording.told
    assert fault.healings == []


def test_one_slow_answer_before_late_is_frozen_breaks_nothing_off(estate: DeskEstate) -> None:
    recording = FakeRecording(refusals=3)
    assert perform(estate, recording, FakeFault(recording)) is None
    assert recording.told[:2] == ["steady", "fault_begin"]


def test_nothing_is_injected_where_nothing_is_steady(estate: DeskEstate) -> None:
    recording = FakeRecording(steady=False)
    assert isinstance(perform(estate, recording, FakeFault(recording)), GuardError)
    assert recording.told == ["STOP", "aborted", "FINISH aborted"]


def test_nothing_is_injected_once_the_standby_fell_behind(estate: DeskEstate) -> None:
    recording = FakeRecording()
    estate.standby = Standby(Proof(False, "it is async"))
    assert "not in sync" in str(perform(estate, recording, FakeFault(recording)))
    assert "fault_begin" not in recording.told


@pytest.mark.parametrize("lost_at", ["fault_end", "fault_effective", "undo"])
def test_a_lost_recorder_does_not_keep_it_from_undoing(estate: DeskEstate, lost_at: str) -> None:
    recording = FakeRecording(lost_at=lost_at)
    fault = FakeFault(recording)
    with pytest.raises(RecorderError):
        perform(estate, recording, fault)
    assert [left.targets for left in fault.healings] == [("postgres",)]


def test_recovering_waits_for_a_failover_to_end(estate: DeskEstate) -> None:
    UndoIntents(estate.state).write(undo_of(estate))
    with journal_of(estate.state):
        (found,) = undo_pending(estate.state)
    assert not found.ok
    assert "another process holds its journal" in found.how
    assert UndoIntents(estate.state).pending() != []


def test_nothing_is_injected_without_a_dead_man(estate: DeskEstate) -> None:
    recording = FakeRecording()
    fault = FakeFault(recording)
    broken_off = perform(estate, recording, fault, dead_man=FakeDeadMan(stands=False))
    assert "no dead-man" in str(broken_off)
    assert "fault_begin" not in recording.told
    assert fault.healings == []


def test_a_dead_man_that_died_in_mid_drill_ends_it_and_the_fault_is_undone(estate: DeskEstate) -> None:
    """Or the next to die would leave the fault in force."""
    recording = SilentRecording()
    fault = FakeFault(recording)
    assert "the dead-man is gone" in str(perform(estate, recording, fault, dead_man=FakeDeadMan(lives=False)))
    assert len(fault.healings) == 1


def test_nothing_is_injected_where_what_was_confirmed_holds_no_more(estate: DeskEstate) -> None:
    """It is asked once the fault is armed; what was prepared by then does not stay."""
    recording = FakeRecording()
    fault = FakeFault(recording)
    rooms: list[bool] = []
    room = room_of(estate.state, "a")

    def arm(there: Path) -> dict[str, object]:
        there.mkdir(parents=True)
        return {"room": str(there)}

    def look() -> None:
        rooms.append(room.is_dir())
        raise GuardError("another process came")

    fault.arm = arm  # type: ignore[method-assign]
    assert "another process came" in str(perform(estate, recording, fault, last_look=look))
    assert (rooms, room.exists()) == ([True], False)
    assert "fault_begin" not in recording.told
    assert fault.healings == []


def test_a_lever_that_is_pulled_while_the_fault_is_armed_lets_nothing_be_injected(estate: DeskEstate) -> None:
    recording = FakeRecording()
    fault = FakeFault(recording)
    pull = lambda: Lever(estate.state).pull("not now")  # noqa: E731
    assert "not now" in str(perform(estate, recording, fault, last_look=pull))
    assert "fault_begin" not in recording.told
    assert UndoIntents(estate.state).pending() == []


@pytest.mark.parametrize("fails", [False, True])
def test_an_intent_that_was_carried_out_before_the_damage_is_due_again(
    estate: DeskEstate, fails: bool
) -> None:
    """Who stood still for a lease is taken for dead: the undo came first, and the damage after it."""
    recording = FakeRecording()

    def inject() -> Proof:
        UndoIntents(estate.state).remove(undo_of(estate))
        if fails:
            raise DatasetError("half of it is done")
        return Proof(True, "it is gone")

    fault = FakeFault(recording, inject=inject)
    assert "carried out before the damage" in str(perform(estate, recording, fault))
    assert len(fault.healings) == 1
    assert recording.details["undo"]["undone"] == "reverted"


def test_the_dead_man_stands_down_only_when_nothing_is_left_to_undo(estate: DeskEstate) -> None:
    undone, stuck = FakeDeadMan(), FakeDeadMan()
    recording = FakeRecording()
    perform(estate, recording, FakeFault(recording), dead_man=undone)
    heal = lambda: Healing("stuck", "no")  # noqa: E731
    perform(estate, FakeRecording(), FakeFault(recording, heal=heal), dead_man=stuck)
    assert (undone.stood_down, stuck.stood_down) == (True, False)


def test_a_drill_that_ended_well_is_failed_back_before_the_ledger_is_closed(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = FakeRecording()
    monkeypatch.setattr(rehearsal, "fail_back", lambda *_: ("met", "it serves again"))
    assert perform(estate, recording, FakeFault(recording), after="fail_back") is None
    assert recording.told[-3:] == ["healed", "check", "FINISH stable"]
    assert recording.details["check"] == {"name": "failback", "verdict": "met", "reason": "it serves again"}


def test_a_failback_that_is_broken_off_is_recorded_and_handed_back(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    recording = FakeRecording()
    monkeypatch.setattr(rehearsal, "fail_back", broken)
    assert isinstance(perform(estate, recording, FakeFault(recording), after="fail_back"), KeyboardInterrupt)
    assert recording.details["check"]["verdict"] == "inconclusive"
    assert recording.told[-1] == "FINISH stable"


def test_a_drill_that_was_broken_off_is_not_failed_back(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = FakeRecording()
    monkeypatch.setattr(rehearsal, "fail_back", lambda *_: pytest.fail("nothing is to be moved now"))
    fault = FakeFault(recording, inject=lambda: Proof(False, "3 processes are alive"))
    perform(estate, recording, fault, after="fail_back")
    assert recording.details["check"]["reason"] == "the drill was broken off, so nothing was brought back"


def test_a_drill_whose_fault_is_not_undone_is_not_failed_back(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = FakeRecording()
    monkeypatch.setattr(rehearsal, "fail_back", lambda *_: pytest.fail("nothing is to be moved now"))
    fault = FakeFault(recording, heal=lambda: Healing("stuck", "it is still cut off"))
    perform(estate, recording, fault, after="fail_back")
    assert recording.details["check"]["reason"] == "the fault was not undone, so nothing was brought back"


@pytest.mark.parametrize("at", ["VERIFY", "HEAL"])
def test_a_lever_that_is_pulled_once_the_drill_was_stable_lets_nothing_be_failed_back(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    class PullsTheLever(FakeRecording):
        def verify(self) -> None:
            super().verify()
            if at == "VERIFY":
                pulled(estate)

    def heal() -> Healing:
        if at == "HEAL":
            pulled(estate)
        return Healing("reverted", "it runs")

    recording = PullsTheLever()
    monkeypatch.setattr(rehearsal, "fail_back", lambda *_: pytest.fail("nothing is to be moved now"))
    assert perform(estate, recording, FakeFault(recording, heal=heal), after="fail_back") is None
    assert recording.details["check"]["verdict"] == "inconclusive"
    assert "the stop lever was pulled: enough" in recording.checks["failback"]
    assert "so nothing was brought back" in recording.checks["failback"]


@pytest.mark.parametrize(
    ("undone", "said"),
    [
        ("reverted", "no other site was promoted, and the fault was undone: it runs"),
        ("reverted, fenced", "and the old primary does not return: it runs"),
        ("stuck", "and the fault could not be undone: it runs"),
    ],
)
def test_where_nothing_serves_it_gives_up_and_says_what_became_of_the_primary(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch, undone: str, said: str
) -> None:
    monkeypatch.setattr(undoing, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(rehearsal, "_SILENT_SECONDS", 0.0)
    recording = SilentRecording()
    fault = FakeFault(recording, heal=lambda: Healing(cast(Any, undone), "it runs"))
    perform(estate, recording, fault, give_up=parse_duration("10ms"))
    assert recording.details["check"] == {
        "name": "give-up", "verdict": "missed", "reason": f"nothing served within 10ms, {said}",
    }  # fmt: skip
    assert recording.told[-1] == "FINISH deadline"
    assert fault.healings[-1].last == (undone == "stuck")


def test_who_serves_is_not_given_up(estate: DeskEstate) -> None:
    recording = FakeRecording()
    assert perform(estate, recording, FakeFault(recording), give_up=parse_duration("1ms")) is None
    assert recording.told[-1] == "FINISH stable"


def test_harm_to_a_bystander_breaks_the_drill_off_and_undoes_the_fault(
    estate: DeskEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bystanding, "EVERY_SECONDS", 0.01)
    recording, fault = SilentRecording(), FakeFault(FakeRecording())
    beside = Bystanders([Watched('service "reports"', lambda: "it is refused", 0.0)])
    broken_off = perform(estate, recording, fault, bystanders=beside)
    assert "a bystander came to harm" in str(broken_off)
    assert len(fault.healings) == 1
    assert "it is refused" in recording.details["aborted"]["reason"]
    assert recording.details["check"]["verdict"] == "missed"
    assert recording.told[-1] == "FINISH aborted"


def test_a_bystander_that_is_not_well_at_the_end_is_no_success(estate: DeskEstate) -> None:
    recording = FakeRecording()
    beside = Bystanders([Watched('service "reports"', lambda: "it is refused", 60.0)])
    assert perform(estate, recording, FakeFault(recording), bystanders=beside) is None
    assert recording.details["check"] == {
        "name": "bystanders",
        "verdict": "inconclusive",
        "reason": 'service "reports" was not well at the end, though not for long yet: it is refused',
    }
