"""A fence outlives every restart: what is fenced does not start, except as a standby."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sites import standby_signal
from sites.errors import SiteError
from sites.estate import Estate
from sites.fences import Fences
from sites.plan import read_plan


def declared(folder: Path) -> Estate:
    """Sleeping programs in the place of a database and of something else."""
    sleeper = {"command": ["sleep", "600"]}

    def server(site: str) -> dict[str, object]:
        data = {"data": f"{site}/data"} if site == "here" else {}
        return {"site": site, "host": "127.0.0.1", "port": 5, "process": "database", **data}

    plan = {
        "name": "light",
        "environment": "test",
        "sites": {
            name: {"kind": "processes", "path": name, "processes": {"database": sleeper, "web": sleeper}}
            for name in ("here", "there")
        },
        "datasets": {
            "orders": {
                "kind": "postgres",
                "database": "d",
                "user": "u",
                "primary": server("here"),
                "standby": {**server("there"), "port": 6},
            }
        },
    }
    (folder / "here/data").mkdir(parents=True)
    return Estate(read_plan(folder / "plan.yaml", yaml.safe_dump(plan).encode(), {}), until_pid=os.getpid())


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    made = declared(tmp_path)
    yield made
    for name in ("here", "there"):
        made.site(name).kill()


@pytest.mark.parametrize("site", ["here", "there"])
def test_the_database_of_a_fenced_site_does_not_start(estate: Estate, site: str) -> None:
    Fences(estate.state).raise_(site, "failover")
    for attempt in (estate.site(site).up, lambda: estate.site(site).start("database")):
        with pytest.raises(SiteError, match=f'cannot start process "database" at site "{site}": .*fenced'):
            attempt()
    assert estate.site(site).running() == {}


def test_neither_does_it_from_a_later_process(estate: Estate) -> None:
    Fences(estate.state).raise_("here", "failover")
    later = Estate(estate.plan, until_pid=os.getpid())
    with pytest.raises(SiteError, match="is fenced") as caught:
        later.site("here").up()
    assert "failback" in str(caught.value.hint)


def test_everything_else_starts_and_the_other_site_does(estate: Estate) -> None:
    Fences(estate.state).raise_("here", "failover")
    estate.site("here").up(only=())
    estate.site("here").start("web")
    estate.site("there").up()
    assert set(estate.site("here").running()) == {"web"}
    assert set(estate.site("there").running()) == {"database", "web"}


def test_as_a_standby_it_starts(estate: Estate) -> None:
    Fences(estate.state).raise_("here", "failover")
    (estate.plan.folder / "here/data/standby.signal").touch()
    estate.site("here").up()
    assert "database" in estate.site("here").running()


def test_one_that_is_only_kept_from_taking_writes_was_not_made_a_standby(estate: Estate) -> None:
    Fences(estate.state).raise_("here", "failover")
    (estate.plan.folder / "here/data/standby.signal").write_text(f"{standby_signal.MARK}; more\n")
    with pytest.raises(SiteError, match="it would not start as a standby"):
        estate.site("here").start("database")


def test_a_lifted_fence_lets_it_start(estate: Estate) -> None:
    fences = Fences(estate.state)
    fences.raise_("here", "failover")
    fences.lift("here")
    estate.site("here").up()
    assert "database" in estate.site("here").running()


def test_a_fence_that_cannot_be_looked_at_stands(tmp_path: Path) -> None:
    """As here a link that leads to itself: nothing shows that it is not there."""
    fences = Fences(tmp_path)
    fences.file("here").parent.mkdir()
    fences.file("here").symlink_to(fences.file("here"))
    assert not fences.file("here").exists()
    assert fences.raised("here")
