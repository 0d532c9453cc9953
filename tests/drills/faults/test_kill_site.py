"""Losing a site and bringing it back: never as a second writer."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from drills.fault import Healing, Left, undone
from drills.faults.kill_site import KillSite
from sites.capability import Proof
from sites.errors import GuardError, SiteError
from sites.estate import Estate
from sites.recovery.fence import Fences
from tests.fakes.site import FakeSite


class FakeDatabase:
    def __init__(self, *, writable_at_dr: bool | None) -> None:
        self._writable_at_dr = writable_at_dr

    def writable(self, site: str) -> bool | None:
        assert site == "dr"
        return self._writable_at_dr


class FakeEstate:
    def __init__(self, state: Path, site: FakeSite, *, writable_at_dr: bool | None) -> None:
        self.state = state
        self._site = site
        declared = dict.fromkeys(("postgres", "gateway"))
        self.plan = SimpleNamespace(sites={"primary": SimpleNamespace(processes=declared)})
        self._database = FakeDatabase(writable_at_dr=writable_at_dr)

    def site(self, name: str) -> FakeSite:
        assert name == "primary"
        return self._site

    def replicated(self) -> dict[str, FakeDatabase]:
        return {"orders": self._database}

    def promotable(self, site: str) -> dict[str, FakeDatabase]:
        del site
        return {}

    def sites_of(self, dataset: str) -> set[str]:
        assert dataset == "orders"
        return {"primary", "dr"}


LEFT = Left(("postgres", "gateway"), Path("/nowhere"))


def healed(
    fault: KillSite, targets: list[str], *, writers: list[str] | None = None, last: bool = False
) -> Healing:
    data = {} if writers is None else {"writers": writers}
    return undone(fault, Left(tuple(targets), Path("/nowhere"), data, last))


def injected(state: Path, site: FakeSite, *, writable_at_dr: bool | None) -> KillSite:
    fault = KillSite(cast(Estate, FakeEstate(state, site, writable_at_dr=writable_at_dr)), "primary")
    site.up()
    site.start("gateway")
    assert {target.name for target in fault.ready()} == {"primary", "postgres", "gateway"}
    assert fault.inject(LEFT).holds
    assert fault.effective(LEFT).holds
    return fault


def a_site() -> FakeSite:
    return FakeSite("primary", ("postgres",), ("gateway",))


def test_what_ran_before_runs_again_when_nobody_took_over(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=False)
    healing = healed(fault, ["postgres", "gateway"])
    assert healing.undone == "reverted"
    assert set(site.running()) == {"postgres", "gateway"}


def test_what_did_not_run_before_is_not_started(tmp_path: Path) -> None:
    """Somebody may have stopped it, and for a reason."""
    site = FakeSite("primary", ("postgres", "gateway"))
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=False)), "primary")
    site.up(only=["postgres"])
    fault.inject(LEFT)
    assert healed(fault, ["postgres"]).undone == "reverted"
    assert set(site.running()) == {"postgres"}


def test_what_the_undo_cannot_start_is_told_to_who_confirms_it(tmp_path: Path) -> None:
    """And is not said to be back."""
    site = FakeSite("primary", ("postgres", "somebody-elses"))
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=False)), "primary")
    site.up()
    fault.ready()
    assert fault.undo().endswith("; somebody-elses runs there too and is not in the plan, so it stays down")
    assert fault.inject(LEFT).holds
    site._declared = ("postgres",)
    healing = healed(fault, ["postgres", "somebody-elses"])
    assert (healing.undone, "not running again: somebody-elses" in healing.how) == ("stuck", True)


def test_it_stays_down_where_another_site_took_over(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=True)
    healing = healed(fault, ["postgres", "gateway"])
    assert healing.undone == "reverted, fenced"
    assert "takes writes" in healing.how
    assert site.running() == {}
    assert Fences(tmp_path).raised("primary")


def test_where_the_other_site_cannot_be_asked_it_is_stuck_until_it_can(tmp_path: Path) -> None:
    """Neither a second writer nor a fence for ever: asked again later, it is undone."""
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=None)
    healing = healed(fault, ["postgres", "gateway"])
    assert healing.undone == "stuck"
    assert "cannot be asked" in healing.how
    assert site.running() == {}
    assert not Fences(tmp_path).raised("primary")
    later = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=False)), "primary")
    assert healed(later, ["postgres", "gateway"]).undone == "reverted"


def test_whoever_asks_for_the_last_time_takes_silence_for_a_yes(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=None)
    healing = healed(fault, ["postgres"], last=True)
    assert healing.undone == "reverted, fenced"
    assert "cannot be asked" in healing.how
    assert site.running() == {}
    assert Fences(tmp_path).raised("primary")


def test_a_site_that_took_no_writes_is_no_second_writer(tmp_path: Path) -> None:
    """A standby that is brought back follows: what takes writes elsewhere is its primary."""
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=True)
    assert healed(fault, ["postgres"], writers=[]).undone == "reverted"
    assert not Fences(tmp_path).raised("primary")


def test_what_a_failover_fenced_stays_down(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=False)
    Fences(tmp_path).raise_("primary", "failover")
    assert healed(fault, ["postgres"]).undone == "reverted, fenced"
    assert site.running() == {}


def test_healing_again_changes_nothing(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=False)
    healed(fault, ["postgres"])
    running = site.running()
    assert healed(fault, ["postgres"]).undone == "reverted"
    assert site.running() == running


def test_a_site_that_cannot_be_started_is_stuck(tmp_path: Path) -> None:
    site = a_site()
    fault = injected(tmp_path, site, writable_at_dr=False)
    healing = healed(fault, ["postgres", "no-such-process"])
    assert healing.undone == "stuck"
    assert "no-such-process" in healing.how


def test_a_fenced_site_that_still_lives_is_stuck(tmp_path: Path) -> None:
    site = FakeSite("primary", ("postgres",), immortal=("postgres",))
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=True)), "primary")
    site.up()
    assert not fault.inject(LEFT).holds
    assert healed(fault, ["postgres"]).undone == "stuck"


def test_nothing_to_hit_is_an_error(tmp_path: Path) -> None:
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, a_site(), writable_at_dr=False)), "primary")
    with pytest.raises(GuardError, match="nothing runs there"):
        fault.ready()


def test_the_site_says_when_it_cannot_start(tmp_path: Path) -> None:
    class Broken(FakeSite):
        def up(self, *, only: Collection[str] | None = None) -> None:
            del only
            raise SiteError("no room on the disk")

    site = Broken("primary")
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=False)), "primary")
    healing = healed(fault, ["postgres"])
    assert (healing.undone, healing.how) == ("stuck", "no room on the disk")
    assert site.proven_gone() == Proof(False, site.proven_gone().how)


class OutOfReach(FakeSite):
    """Cut off from us too: only what it was told beforehand still reaches it."""

    def kill(self) -> Proof:
        return Proof(False, "it does not answer")

    def reconnect_fenced(self) -> Proof:
        self.calls.append("reconnect_fenced")
        return super().kill()


def test_a_site_out_of_our_reach_puts_down_by_itself_what_was_taken_over_from(tmp_path: Path) -> None:
    site = OutOfReach("primary", ("postgres",))
    site.up()
    fault = KillSite(cast(Estate, FakeEstate(tmp_path, site, writable_at_dr=True)), "primary")

    healing = fault.heal(Left(("postgres",), Path("/nowhere"), {"writers": ["orders"]}, False))

    assert healing.undone == "reverted, fenced"
    assert "reconnect_fenced" in site.calls
    assert site.running() == {}
