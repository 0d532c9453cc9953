"""What ended while its site was cut off is started again, and never as a second writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from drills.fault import Healing, Left, undone
from drills.faults.partition import Partition
from sites.capability import Proof
from sites.estate import Estate
from sites.strikable import Direction, Partitionable
from tests.drills.faults import other_sites
from tests.drills.faults.injecting import inject
from tests.drills.faults.other_sites import NAMES
from tests.drills.faults.test_kill_site import FakeEstate
from tests.fakes.site import FakeSite
from tests.sites.drivers.test_hosts_cut import later, lifted


class FakeCutOff(FakeSite):
    """A site whose processes may end while it is cut off."""

    cut = False

    def cannot_partition(self) -> str | None:
        return None

    def partition(self, direction: Direction) -> Proof:
        del direction
        self.cut = True
        return self.partitioned()

    def reconnect(self) -> Proof:
        self.cut = False
        return Proof(True, "nothing is dropped")

    def partitioned(self) -> Proof:
        return Proof(self.cut, "cut" if self.cut else "open")


def cut_off(folder: Path, *, promoted: bool) -> tuple[FakeCutOff, Partition]:
    """postgres and gateway run, and have their site cut off; `other` was stopped before by somebody."""
    site = FakeCutOff("primary", ("postgres", "gateway", "other"))
    assert isinstance(site, Partitionable)
    site.up(only=NAMES)
    fault = Partition(cast(Estate, FakeEstate(folder, site, writable_at_dr=promoted)), "primary", "both")
    fault.ready()
    assert fault.inject(LEFT).holds
    return site, fault


LEFT = Left(NAMES, Path("/nowhere"), {"writers": ["orders"]})


def healed(fault: Partition) -> Healing:
    return undone(fault, LEFT)


def test_what_ended_while_it_was_cut_off_is_started_and_nothing_else(tmp_path: Path) -> None:
    site, fault = cut_off(tmp_path, promoted=False)
    site.stop("gateway")

    assert healed(fault).undone == "reverted"

    assert (set(site.running()), site.cut) == (set(NAMES), False)
    assert "start what ended" in fault.undo()


def test_nothing_is_started_where_another_site_took_over(tmp_path: Path) -> None:
    site, fault = cut_off(tmp_path, promoted=True)
    site.stop("gateway")

    assert healed(fault).undone == "reverted, fenced"

    assert (site.running(), site.cut) == ({}, False)


def test_a_site_that_does_not_run_again_is_not_reverted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, fault = cut_off(tmp_path, promoted=False)
    site.kill()
    monkeypatch.setattr(site, "up", lambda **_: None)

    healing = healed(fault)

    assert (healing.undone, "not running again: gateway, postgres" in healing.how) == ("stuck", True)


def test_hosts_that_killed_what_ran_when_we_were_gone_get_it_back(tmp_path: Path) -> None:
    """Nobody had asked the other site then; whoever heals has, and it was not promoted."""
    with other_sites.island(tmp_path) as (estate, _):
        injected = inject(estate, kind="partition", site="primary")
        site: Any = estate.site("primary")
        site.close()
        assert later(site) == {}
        lifted(site)

        assert injected.heal().undone == "reverted"

        assert set(site.running()) == set(NAMES)
