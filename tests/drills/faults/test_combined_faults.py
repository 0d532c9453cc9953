"""Faults of more than one part: a standby that failed first, a second blow, an orchestrator that dies too."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from drills.copies import Copies
from drills.fault import Following, Healing, Left, undone
from drills.faults import second_writer
from drills.faults.kill_site import KillSite
from drills.faults.one_process import KillService
from drills.following import Due
from drills.preview import Preview
from drills.spared import check_caps
from drills.undo import room_of
from sites.capability import Promotable, Proof
from sites.drivers import command
from sites.errors import GuardError, SiteError
from sites.estate import Estate
from sites.plan import Drill
from sites.plan.caps import Caps
from sites.recovery.fence import Fences
from tests.drills.faults.conftest import estate_of
from tests.drills.faults.injecting import Injected, check_healed, fault, inject
from tests.sites.drivers.pairs import Pair
from tests.sites.recovery.light import light_estate

ROOT = Path(__file__).parents[3]
SECOND = {
    "kind": "second_fault_during_recovery",
    "site": "primary",
    "at": "promoted",
    "second": {"kind": "kill_service", "site": "dr", "process": "gateway"},
}
INJECTED_AND_KILLED = """
import sys, time
from pathlib import Path
from drills.fault import Left
from sites.estate import Estate
from sites.plan import read_plan
from tests.drills.faults.injecting import fault
path = Path(sys.argv[1])
estate = Estate(read_plan(path, path.read_bytes(), {}))
made = fault(estate, kind="kill_orchestrator", site="primary", later="50ms")
targets = tuple(target.name for target in made.ready() if target.kind == "process")
left = Left(targets, path.parent / "room", made.arm(path.parent / "room"))
print(made.inject(left).how, flush=True)
time.sleep(60)
"""


@pytest.fixture
def both_up(tmp_path: Path) -> Iterator[Estate]:
    estate = estate_of(tmp_path)
    for name in ("primary", "dr"):
        estate.site(name).up()
    yield estate
    for name in ("primary", "dr"):
        estate.site(name).kill()


def follow(injected: Injected) -> Proof:
    """As the responder does when the milestone comes."""
    made = fault(injected.estate, **injected.declared)
    assert isinstance(made, Following)
    return made.follow(injected.left)


@pytest.mark.cell("second_fault_during_recovery", "processes", "none")
def test_a_second_fault_waits_for_its_milestone_and_both_are_undone(both_up: Estate) -> None:
    injected = inject(both_up, **SECOND)
    assert both_up.site("primary").running() == {}
    assert set(both_up.site("dr").running()) == {"postgres", "gateway"}
    assert follow(injected).holds
    assert set(both_up.site("dr").running()) == {"postgres"}
    check_healed(injected)
    for name in ("primary", "dr"):
        assert set(both_up.site(name).running()) == {"postgres", "gateway"}


def test_a_second_blow_at_another_site_needs_a_cap_of_two(both_up: Estate) -> None:
    """One site is all that a drill may strike unless its plan says so; two blows at one site need no more."""
    one, two = Drill.model_construct(caps=Caps()), Drill.model_construct(caps=Caps(sites=2))
    at_dr, at_the_same = (
        SECOND | {"second": {"kind": "kill_service", "site": site, "process": "gateway"}}
        for site in ("dr", "primary")
    )
    check_caps(one, seen(both_up, at_the_same))
    check_caps(two, seen(both_up, at_dr))
    with pytest.raises(GuardError, match=r"would hit 2 sites \(dr, primary\), allowed are 1"):
        check_caps(one, seen(both_up, at_dr))


def seen(estate: Estate, declared: dict[str, Any]) -> Preview:
    targets = tuple(fault(estate, **declared).ready())
    return Preview("double", "test", targets, (), "it is gone", "start it", "0123456789abcdef")


def test_a_second_fault_that_never_came_leaves_only_the_first_to_undo(both_up: Estate) -> None:
    injected = inject(both_up, **SECOND)
    check_healed(injected)


def test_the_worse_end_counts_for_both(both_up: Estate) -> None:
    injected = inject(both_up, **SECOND)
    follow(injected)
    Fences(both_up.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert both_up.site("primary").proven_gone().holds
    assert set(both_up.site("dr").running()) == {"postgres", "gateway"}


def a_full_disk(self: object, left: Left) -> Healing:
    del self, left
    return Healing("stuck", "its disk is full")


def a_broken_one(self: object, left: Left) -> Healing:
    del self, left
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stuck", [a_full_disk, a_broken_one])
def test_a_second_fault_that_is_stuck_withholds_no_undo_from_the_first(
    both_up: Estate, monkeypatch: pytest.MonkeyPatch, stuck: Callable[[object, Left], Healing]
) -> None:
    injected = inject(both_up, **SECOND)
    follow(injected)
    monkeypatch.setattr(KillService, "heal", stuck)
    healing = injected.heal()
    assert healing.undone == "stuck"
    assert "full" in healing.how or "No space left" in healing.how
    assert 'site "primary" runs again' in healing.how
    assert set(both_up.site("primary").running()) == {"postgres", "gateway"}
    assert set(both_up.site("dr").running()) == {"postgres"}
    monkeypatch.undo()
    check_healed(injected)


def test_a_first_fault_that_breaks_leaves_the_second_undone(
    both_up: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    injected = inject(both_up, **SECOND)
    follow(injected)

    monkeypatch.setattr(KillSite, "heal", a_broken_one)
    healing = injected.heal()
    assert (healing.undone, "No space left" in healing.how) == ("stuck", True)
    assert set(both_up.site("dr").running()) == {"postgres", "gateway"}


class FakeCopy:
    """A copy of which the other site takes writes, or does not, or cannot be asked."""

    def __init__(self, *, takes_writes: bool | None) -> None:
        self.takes_writes = takes_writes

    def writable(self, site: str) -> bool | None:
        return None if site == "primary" else self.takes_writes


def with_copy(monkeypatch: pytest.MonkeyPatch) -> FakeCopy:
    copy = FakeCopy(takes_writes=False)
    both = {"orders": Copies(cast(Promotable, copy), frozenset({"primary", "dr"}))}
    monkeypatch.setattr(second_writer, "copies", lambda _: both)
    return copy


@pytest.mark.parametrize(
    ("takes_writes", "last", "fenced"), [(True, False, True), (None, False, False), (None, True, True)]
)
def test_behind_a_second_that_is_stuck_the_first_still_makes_no_second_writer(
    both_up: Estate, monkeypatch: pytest.MonkeyPatch, *, takes_writes: bool | None, last: bool, fenced: bool
) -> None:
    """Its own rule asks the other site, as what the second left it; silence is a yes the last time."""
    copy = with_copy(monkeypatch)
    injected = inject(both_up, **SECOND)
    follow(injected)
    monkeypatch.setattr(KillService, "heal", a_full_disk)
    copy.takes_writes = takes_writes
    healing = undone(fault(both_up, **SECOND), replace(injected.left, last=last))
    assert healing.undone == "stuck"
    assert both_up.site("primary").proven_gone().holds
    assert Fences(both_up.state).raised("primary") == fenced
    assert ("stays down and fenced" in healing.how) == fenced


def test_a_first_that_runs_again_is_not_put_down_for_a_silence_that_came_later(
    both_up: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked and started is tried again for the sake of the second alone."""
    copy = with_copy(monkeypatch)
    injected = inject(both_up, **SECOND)
    follow(injected)
    monkeypatch.setattr(KillService, "heal", a_full_disk)
    injected.heal()
    copy.takes_writes = None
    healing = undone(fault(both_up, **SECOND), replace(injected.left, last=True))
    assert healing.undone == "stuck"
    assert set(both_up.site("primary").running()) == {"postgres", "gateway"}
    assert not Fences(both_up.state).raised("primary")
    copy.takes_writes = True  # not silence: then it is put down
    assert "stays down and fenced" in undone(fault(both_up, **SECOND), injected.left).how
    assert both_up.site("primary").proven_gone().holds


def test_what_is_due_comes_once_and_says_what_became_of_it() -> None:
    struck: list[int] = []

    def act() -> Proof:
        struck.append(1)
        return Proof(True, "struck")

    due = Due("promoted", act)
    assert due.why_not() == 'the runbook did not come to "promoted" in time, so nothing more was injected'
    assert not due.comes_with("fenced")
    assert due.comes_with("promoted")
    assert due.done()["how"] == "struck"
    assert not due.comes_with("promoted")
    assert (due.why_not(), struck) == (None, [1])


def test_what_was_due_and_failed_is_no_success() -> None:
    def act() -> Proof:
        raise SiteError("no way in")

    due = Due("promoted", act)
    due.comes_with("promoted")
    assert due.done()["holds"] is False
    assert due.why_not() == "it did not take effect: SiteError: no way in"


@pytest.mark.cell("kill_orchestrator", "processes", "none")
def test_whoever_kills_himself_leaves_what_another_can_undo(sleeping: Estate) -> None:
    argv = [sys.executable, "-c", INJECTED_AND_KILLED, sleeping.plan.path]
    done = command.run(argv, limit_seconds=30, env={"PYTHONPATH": str(ROOT)}, ok_codes=[-signal.SIGKILL])
    assert "the orchestrator is killed 0.05 s after" in done.stdout
    assert sleeping.site("primary").running() == {}
    made = fault(sleeping, kind="kill_orchestrator", site="primary")
    left = left_of_a_stranger(sleeping)
    assert made.heal(left).undone == "reverted"
    assert made.healed(left).holds


def left_of_a_stranger(estate: Estate) -> Left:
    return Left(("postgres", "gateway"), room_of(estate.state, "a-run"), {"writers": []})


def test_whoever_undoes_it_first_is_not_killed(sleeping: Estate) -> None:
    made = fault(sleeping, kind="kill_orchestrator", site="primary", later="1h")
    made.ready()
    left = left_of_a_stranger(sleeping)
    assert made.inject(left).holds
    assert made.heal(left).undone == "reverted"
    assert made._timer is not None  # type: ignore[attr-defined]
    assert made._timer.finished.is_set()  # type: ignore[attr-defined]


@pytest.mark.postgres
@pytest.mark.cell("dr_not_ready", "processes", "postgres")
@pytest.mark.parametrize("standby", ["gone", "stale"])
def test_a_standby_that_failed_first_comes_back_first(new_pair: Callable[..., Pair], standby: str) -> None:
    pair = new_pair(synchronous=False)
    estate = light_estate(pair)
    declared = {"kind": "dr_not_ready", "site": "primary", "dataset": "orders", "stale_for": "100ms"}
    injected = inject(estate, **declared, standby=standby)
    assert pair.dataset.writable("primary") is None
    assert pair.dataset.writable("dr") is (None if standby == "gone" else False)
    check_healed(injected)
    pair.dataset.wait_until_answering("primary", limit_seconds=20)
    assert (pair.dataset.writable("primary"), pair.dataset.writable("dr")) == (True, False)
    assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds


@pytest.mark.postgres
def test_a_standby_that_does_not_run_cannot_fail_first(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair(synchronous=False)
    pair.dr.kill()
    with pytest.raises(GuardError, match='cannot lose the standby at site "dr": it does not run'):
        fault(light_estate(pair), kind="dr_not_ready", site="primary", dataset="orders").ready()
