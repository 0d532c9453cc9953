"""The old primary comes back, or does not; and is put down again whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from drills.arrangement import arrange
from drills.lever import Lever
from drills.preview import resolved
from drills.recording import RecorderState, Recording, Stamp
from drills.revival import ANSWER_SECONDS_MAX, Revival, revive
from sites.capability import Proof
from sites.errors import BlackstartError, SiteError
from sites.plan import read_plan
from sites.recovery.fence import Fences
from sites.recovery.under_way import journal_of
from sites.strikable import Direction
from tests.drills.test_guard import EXAMPLE, DeskEstate, an_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording, perform

BOTH = ["revival_begin", "old_primary_revived"]
WATCHED = [*BOTH, "STOP OLD"]  # no write is under way to it when it is put down
RAN = ["postgres", "gateway", "engine"]


class FakeSite:
    """A lost site. `starts` says what comes up when it is told to; `error` is what it then raises."""

    name = "primary"

    def __init__(self, *, gone: bool = True, starts: bool = True, error: str = "", dies: bool = True) -> None:
        self.acts: list[str] = []
        self._gone, self._starts, self._error, self._dies = gone, starts, error, dies
        self._running: dict[str, int] = {}

    def proven_gone(self) -> Proof:
        gone = self._gone and not self._running
        return Proof(gone, "nothing is alive" if gone else "postgres is alive")

    def up(self, *, only: Collection[str]) -> None:
        self.acts.append(f"up {' '.join(only)}")
        if self._starts:
            self._running = dict.fromkeys(only, 1)
        if self._error:
            raise SiteError(self._error)

    def running(self) -> dict[str, int]:
        return self._running

    def kill(self) -> Proof:
        self.acts.append("kill")
        return Proof(self._dies, "gone" if self._dies else "postgres is alive")


class Copy:
    def __init__(self, writable: bool | None) -> None:
        self._writable = writable

    def writable(self, site: str) -> bool | None:
        assert site == "dr"
        return self._writable

    def in_sync(self) -> Proof:
        return Proof(True, "sync")


class RevivedEstate(DeskEstate):
    """The desk, its sites in the hands of the test."""

    old: FakeSite
    copy: Copy

    def site(self, _name: str) -> Any:
        return self.old

    def unguarded(self, _name: str) -> Any:
        return self.old

    def replicated(self) -> Any:
        return {"orders": self.copy}


def estate_of(folder: Path, site: FakeSite, *, writable: bool | None = True, **drill: Any) -> RevivedEstate:
    text = yaml.safe_load(an_estate(folder).plan.raw)
    text["drills"]["kill-primary"] |= {"revive_old_primary": True, "stable": "100ms", **drill}
    text["drills"]["kill-primary"]["late"] = text["drills"]["kill-primary"]["canary"]["limit"] = "100ms"
    estate = RevivedEstate(
        read_plan(EXAMPLE, yaml.safe_dump(text).encode(), an_estate(folder).plan.variables)
    )
    estate.old, estate.copy = site, Copy(writable)
    return estate


def revived(estate: RevivedEstate, recording: FakeRecording | None = None) -> FakeRecording:
    recording = recording or FakeRecording()
    revival = Revival(estate, estate.plan.drills["kill-primary"], "primary", RAN)
    revive(revival, cast(Recording, recording), lambda _: None)
    return recording


def test_what_takes_the_canarys_writes_is_started_and_put_down_again(tmp_path: Path) -> None:
    site = FakeSite()
    recording = revived(estate_of(tmp_path, site))
    assert site.acts == ["up postgres gateway", "kill"], "the engine would trade"
    assert recording.told == WATCHED
    assert recording.details["old_primary_revived"]["how"] == 'postgres, gateway at site "primary"'


def test_where_the_plan_names_no_process_all_that_ran_is_started(tmp_path: Path) -> None:
    estate = estate_of(tmp_path, FakeSite())
    revival = Revival(estate, estate.plan.drills["kill-primary"], "primary", ["patroni"])
    assert revival.processes() == ["patroni"]


def test_one_that_runs_and_is_not_ready_is_watched_all_the_same(tmp_path: Path) -> None:
    recording = revived(estate_of(tmp_path, FakeSite(error="gateway did not get ready")))
    assert recording.told == WATCHED
    assert "gateway did not get ready" in recording.details["old_primary_revived"]["how"]


@pytest.mark.parametrize(
    ("site", "writable", "why", "acts"),
    [
        (FakeSite(gone=False), True, "is not down, so it cannot come back", []),
        (FakeSite(), False, "nothing shows that another site took over", []),
        (FakeSite(), None, "nothing shows that another site took over", []),
        (
            FakeSite(starts=False, error="no such file"),
            True,
            "could not be brought back: not running",
            ["kill"],
        ),
    ],
)
def test_what_could_not_be_tried_is_inconclusive(
    tmp_path: Path, site: FakeSite, writable: bool | None, why: str, acts: list[str]
) -> None:
    recording = revived(estate_of(tmp_path, site, writable=writable))
    assert [told for told in recording.told if told != "revival_begin"] == ["check"]
    assert ("revival_begin" in recording.told) == bool(acts), (
        "what it takes from here on is the revived one's"
    )
    assert (recording.details["check"]["name"], recording.details["check"]["verdict"]) == (
        "revival",
        "inconclusive",
    )
    assert why in recording.details["check"]["reason"]
    assert [act for act in site.acts if not act.startswith("up")] == acts


def test_it_is_written_to_no_more_before_it_is_put_down(tmp_path: Path) -> None:
    """A write that is under way then is never answered: nobody would know that it was not committed."""
    site, recording = FakeSite(), FakeRecording()

    def stopped(*, limit_seconds: float) -> None:
        assert site.acts == ["up postgres gateway"]
        recording.told.append(f"{limit_seconds:g}")

    recording.stop_old_primary = stopped  # type: ignore[method-assign]
    assert revived(estate_of(tmp_path, site), recording).told == [*BOTH, "10.1"]
    assert site.acts[-1] == "kill"


class Asked(FakeRecording):
    """Its old primary has answered `before` writes, and answers another once it was asked so often."""

    def __init__(self, site: FakeSite, *, before: int, asked: int) -> None:
        super().__init__()
        self.limits: list[float] = []
        self._site, self._before, self._asked = site, before, asked

    def state(self) -> RecorderState:
        self._asked -= 1
        return replace(super().state(), old_primary_answered=self._before + (self._asked < 0))

    def event(self, name: str, **other: Any) -> Stamp:
        if name == "revival_begin":
            assert self._site.acts == [], "it may take writes before it is said to be ready"
        return super().event(name, **other)

    def wait_until(self, condition: Callable[[RecorderState], bool], limit_seconds: float) -> RecorderState:
        self.limits.append(limit_seconds)
        while not condition(state := self.state()) and self._asked > -9:
            assert self._site.acts[-1].startswith("up")
        return state


@pytest.mark.parametrize(("asked", "silent"), [(4, False), (10**9, True)])
def test_it_is_watched_from_its_own_first_answer_on(
    tmp_path: Path, asked: int, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is ready by some other word may listen only later; one that never does is not waited for."""
    site, told = FakeSite(), list[str]()
    recording = Asked(site, before=3, asked=asked)
    if silent:
        monkeypatch.setattr(recording, "wait_until", lambda *_: recording.state())
    estate = estate_of(tmp_path, site)
    revival = Revival(estate, estate.plan.drills["kill-primary"], "primary", RAN)
    revive(revival, cast(Recording, recording), told.append)
    assert recording.told == WATCHED
    assert any("neither took nor refused" in said for said in told) == silent
    assert recording.limits == ([] if silent else [ANSWER_SECONDS_MAX])


@pytest.mark.parametrize("asked", [0, 10**9])
def test_who_may_go_on_no_longer_puts_it_down_at_once(tmp_path: Path, asked: int) -> None:
    """While it is watched, and while its first answer is awaited."""
    site = FakeSite()
    estate = estate_of(tmp_path, site, stable="60s")
    revival = Revival(estate, estate.plan.drills["kill-primary"], "primary", RAN)

    def leave() -> None:
        raise BlackstartError("the stop lever was pulled")

    with pytest.raises(BlackstartError, match="the stop lever"):
        revive(revival, cast(Recording, Asked(site, before=3, asked=asked)), lambda _: None, leave)
    assert site.acts[-1] == "kill"


class PullsTheLever(FakeSite):
    """As soon as it is started."""

    lever: Lever

    def up(self, *, only: Collection[str]) -> None:
        super().up(only=only)
        self.lever.pull("enough")


def test_a_drill_that_revives_looks_at_the_lever(tmp_path: Path) -> None:
    site, recording = PullsTheLever(), FakeRecording()
    estate = estate_of(tmp_path, site, stable="60s", revive_old_primary=True)
    site.lever = Lever(estate.state)
    fault = FakeFault(recording)
    assert "enough" in str(perform(estate, recording, fault))
    assert site.acts[-1] == "kill"
    assert len(fault.healings) == 1


def test_it_is_watched_for_longer_than_the_judge_asks_for(tmp_path: Path) -> None:
    for stable, seconds in (("100ms", 0.1), ("2s", 2.0), ("60s", 10.0)):
        estate = estate_of(tmp_path, FakeSite(), stable=stable)
        revival = Revival(estate, estate.plan.drills["kill-primary"], "primary", RAN)
        more = 0.3 + revival.drill.canary.limit.seconds  # three intervals, and a write that times out
        assert revival.seconds == pytest.approx(seconds + more)


class CutOffSite(FakeSite):
    """One that was cut off, and is reconnected; `turned_off` meanwhile, or not."""

    def __init__(self, *, turned_off: bool | None) -> None:
        super().__init__()
        self._turned_off = turned_off

    def proven_gone(self) -> Proof:
        if self._turned_off is None and self.acts:
            raise SiteError("nobody answers")
        how = "its machine is off" if self._turned_off else "postgres is alive"
        return Proof(self._turned_off is True, how)

    def cannot_partition(self) -> str | None:
        return None

    def partitioned(self) -> Proof:
        return Proof(not self.acts, "packets are dropped")

    def partition(self, direction: Direction) -> Proof:
        return Proof(False, direction)

    def reconnect(self) -> Proof:
        self.acts.append("reconnect")
        return Proof(True, "its network is back")


@pytest.mark.parametrize("turned_off", [True, False, None])
def test_one_that_was_turned_off_is_proven_to_be_so_before_and_after(
    tmp_path: Path, turned_off: bool | None
) -> None:
    """Then a closed port is a fence. Where nobody proves it, it is no more than a closed port."""
    site = CutOffSite(turned_off=turned_off)
    estate = estate_of(tmp_path, site, fault={"kind": "partition", "site": "primary"})
    recording = revived(estate)
    assert site.acts == ["reconnect", "kill"]
    gone = ["old_primary_gone"] if turned_off else []
    assert recording.told == [*BOTH, *gone, "STOP OLD", *gone]


def test_a_fence_shows_that_it_was_taken_over(tmp_path: Path) -> None:
    estate = estate_of(tmp_path, FakeSite(), writable=None)
    Fences(estate.state).raise_("primary", "failover")
    assert revived(estate).told == WATCHED


def test_one_that_cannot_be_put_down_again_is_missed(tmp_path: Path) -> None:
    recording = revived(estate_of(tmp_path, FakeSite(dies=False)))
    assert recording.told == [*WATCHED, "check"]
    assert recording.details["check"]["verdict"] == "missed"


def test_it_is_put_down_whatever_breaks_it_off(tmp_path: Path) -> None:
    site = FakeSite()
    with pytest.raises(BlackstartError):
        revived(estate_of(tmp_path, site), FakeRecording(lost_at="old_primary_revived"))
    assert site.acts[-1] == "kill"


def test_nothing_is_revived_beside_a_failover(tmp_path: Path) -> None:
    site = FakeSite()
    estate = estate_of(tmp_path, site)
    with journal_of(estate.state), pytest.raises(BlackstartError):
        revived(estate)
    assert site.acts == []


@pytest.mark.parametrize(("asked", "told"), [(True, WATCHED), (False, [])])
def test_a_drill_revives_once_the_service_is_stable(tmp_path: Path, asked: bool, told: list[str]) -> None:
    site, recording = FakeSite(), FakeRecording()
    estate = estate_of(tmp_path, site, revive_old_primary=asked)
    assert perform(estate, recording, FakeFault(recording)) is None
    begun, ended = recording.told.index("fault_effective"), recording.told.index("VERIFY")
    gone = ["old_primary_gone", "old_primary_gone"]  # once it was killed, and once the service was stable
    assert recording.told[begun + 1 : ended] == [*gone, *told]


def test_it_is_confirmed_and_owed(tmp_path: Path) -> None:
    """Whoever confirms a drill confirms this with it, and the ledger says that it is owed."""
    with_it, without = (estate_of(tmp_path, FakeSite(), revive_old_primary=asked) for asked in (True, False))
    fault = cast(Any, FakeFault(FakeRecording()))
    seen = [resolved(estate, "kill-primary", fault) for estate in (with_it, without)]
    assert seen[0].confirm != seen[1].confirm
    assert ["comes back" in each.expected for each in seen] == [True, False]
    for estate, owed in ((with_it, True), (without, None)):
        drill = estate.plan.drills["kill-primary"]
        told = arrange(estate, "kill-primary", drill, run="1" * 36, seed=1, folder=tmp_path, calibration=None)
        assert told.header["drill"].get("revive") is owed


def test_somebody_careless_is_stopped_by_no_fence_of_ours(tmp_path: Path) -> None:
    """What the estate keeps down is started all the same: else a revival would show nothing."""
    before = an_estate(tmp_path).plan
    text = yaml.safe_load(before.raw)
    text["sites"]["primary"]["processes"] = {"postgres": {"command": ["/bin/sleep", "60"]}}
    text["services"]["gateway"].pop("process")
    text["services"]["engine"].pop("process")
    estate = DeskEstate(
        read_plan(EXAMPLE, yaml.safe_dump(text).encode(), before.variables), until_pid=os.getpid()
    )
    Fences(estate.state).raise_("primary", "failover")
    site = estate.unguarded("primary")
    try:
        site.up(only=["postgres"])
        assert list(site.running()) == ["postgres"]
    finally:
        assert site.kill().holds
