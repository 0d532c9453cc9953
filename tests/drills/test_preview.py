"""What is confirmed is what is hit: the hash covers where the targets' names lead, and is asked again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from drills.faults import fault_of
from drills.preview import check_unchanged, resolved
from sites.capability import Target
from sites.drivers.containers.daemon import Daemon
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import read_plan
from sites.plan.faults import Fault
from tests.drills.small_drill import DRILL, small_estate
from tests.drills.test_rehearsal import FakeFault, FakeRecording

SHELL = {act: ["true"] for act in ("start", "stop", "kill", "status")}


class Resolved(FakeFault):
    """Its targets are always called the same."""

    def __init__(self) -> None:
        super().__init__(FakeRecording())


def confirm_of(folder: Path, change: dict[str, Any], fault: dict[str, Any]) -> str:
    """The hash where the plan's primary is a site of commands, after a change of the declared nouns."""
    declared = yaml.safe_load(small_estate(folder).plan.raw)
    declared["sites"]["primary"] = {"kind": "shell", "drills": True, **SHELL, "processes": {"postgres": {}}}
    password = {"env": "PASSWORD"}
    declared["repositories"] = {"offsite": {"site": "dr", "url": str(folder / "one"), "password": password}}
    for noun, keys in change.items():
        kind, name = noun.split()
        declared[kind][name] |= keys
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(declared))
    plan = read_plan(path, path.read_bytes(), {})
    drill = plan.drills[DRILL].model_copy(update={"fault": TypeAdapter(Fault).validate_python(fault)})
    estate = Estate(plan.model_copy(update={"drills": {DRILL: drill}}))
    return resolved(estate, DRILL, Resolved()).confirm


KILL = {"kind": "kill_site", "site": "primary"}
LOSE = {"kind": "lose_newest_snapshot", "repository": "offsite", "dataset": "files"}
LOCKED = KILL | {
    "kind": "second_fault_during_recovery",
    "at": "detected",
    "second": {"kind": "lock_repository", "repository": "offsite"},
}
ENCRYPT = {"kind": "damage_that_replicates", "dataset": "files", "damage": "files_encrypted"}


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        (KILL, {"sites primary": {"kill": ["kill", "production"]}}),
        (KILL, {"sites primary": {"env": {"SSH_TO": "production"}}}),
        (LOSE, {"repositories offsite": {"url": "/elsewhere"}}),
        (LOSE, {"sites dr": {"path": "/elsewhere"}}),
        (LOCKED, {"repositories offsite": {"url": "/elsewhere"}}),
        (ENCRYPT, {"datasets files": {"path": "/elsewhere"}}),
    ],
)
def test_who_is_led_elsewhere_by_the_same_names_has_to_look_again(
    tmp_path: Path, fault: dict[str, Any], change: dict[str, Any]
) -> None:
    assert confirm_of(tmp_path, {}, fault) == confirm_of(tmp_path, {}, fault)
    assert confirm_of(tmp_path, {}, fault) != confirm_of(tmp_path, change, fault)


@pytest.mark.parametrize(
    "change",
    [
        {"sites dr": {"path": "/elsewhere"}},
        {"sites primary": {"fault_domain": {"region": "north"}}},
        {"repositories offsite": {"url": "/elsewhere"}},
        {"drills strike": {"deadline": "50s"}},
    ],
)
def test_what_the_fault_does_not_touch_changes_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    assert confirm_of(tmp_path, {}, KILL) == confirm_of(tmp_path, change, KILL)


def test_what_came_since_it_was_confirmed_is_not_hit(estate: Estate) -> None:
    estate.site("primary").stop("gateway")
    fault = fault_of(estate, estate.plan.drills[DRILL])
    confirmed = resolved(estate, DRILL, fault)
    check_unchanged(estate, fault, confirmed)
    estate.site("primary").start("gateway")
    with pytest.raises(GuardError, match='any more: process "gateway" at site "primary" came'):
        check_unchanged(estate, fault, confirmed)
    estate.site("primary").stop("postgres")
    with pytest.raises(GuardError, match='process "postgres" at site "primary" went'):
        check_unchanged(estate, fault, confirmed)


class OfContainers(Resolved):
    def __init__(self, daemon: str) -> None:
        super().__init__()
        self._daemon = daemon

    def ready(self) -> list[Target]:
        return [Target("primary", "site", "primary", {"daemon": self._daemon})]


def test_containers_of_another_daemon_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which that is may be for the environment to say."""
    estate = small_estate(tmp_path)
    daemons = []
    for host in ("unix:///run/here.sock", "ssh://production"):
        monkeypatch.setenv("DOCKER_HOST", host)
        daemons.append(str(Daemon()))
    assert len({resolved(estate, DRILL, OfContainers(daemon)).confirm for daemon in daemons}) == 2
    assert str(Daemon("unix:///run/declared.sock")) == "unix:///run/declared.sock"
