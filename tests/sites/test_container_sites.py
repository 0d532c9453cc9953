"""Sites of containers in a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import load
from tests.fakes.docker_daemon import FakeDocker, Kept, serving

PLAN = """
name: desk
environment: test
sites:
  north: {kind: containers, daemon: "${DAEMON}", processes: {db: {}, gateway: {autostart: false}}}
  south: {kind: containers, daemon: "${DAEMON}"}
"""


def estate(folder: Path, daemon: str, text: str = PLAN) -> Estate:
    (folder / "plan.yaml").write_text(text)
    return Estate(load(folder / "plan.yaml", {"DAEMON": daemon}))


def test_by_default_its_label_is_made_of_the_names_of_plan_and_site(tmp_path: Path) -> None:
    names = {
        name: {"blackstart.site": "desk/north", "blackstart.process": name} for name in ("db", "gateway")
    }
    with serving(FakeDocker(*[Kept(*each) for each in names.items()]), tmp_path / "docker.sock") as daemon:
        found = estate(tmp_path, daemon)
        site = found.site("north")
        site.up()

        assert list(site.running()) == ["db"]
        assert found.site("south").running() == {}
        assert site.kill().holds
    assert (found.room("north") / "site.json").exists()


def test_two_sites_of_the_same_containers_are_refused(tmp_path: Path) -> None:
    same = PLAN.replace("south: {kind: containers", "south: {kind: containers, label: desk/north")

    with pytest.raises(PlanError, match='the same containers as site "north"'):
        estate(tmp_path, "unix:///nowhere", same)
