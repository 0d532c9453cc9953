"""Which versions a drill is about to try: asked of everything, and what nobody could tell is told, too."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from sites.capability import Version
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.versions import versions
from tests.drills.faults.conftest import estate_of

WHICH = [sys.executable, "-c", "import os; print('4.2 at', os.environ.get('BLACKSTART_SITE', 'none'))"]
SAYING = [sys.executable, "-c", "import os; print('1.0', os.environ['TOKEN'])"]


def told(estate: Estate, what: str) -> list[Version]:
    return [one for one in versions(estate) if one.what == what]


def command_estate(folder: Path, **command: Any) -> Estate:
    return estate_of(folder, versions={"engine": command})


def test_this_machine_is_asked_once_for_its_sites_and_once_for_itself(tmp_path: Path) -> None:
    found = versions(estate_of(tmp_path))
    assert {one.where for one in found if one.what == "operating system"} == {
        *("sites dr, primary", "where blackstart runs")
    }
    assert all(platform.release() in str(one.version) for one in found if one.what == "operating system")
    assert [one.version for one in found if one.what == "Python"] == [platform.python_version()]
    assert [one.problem for one in found] == [None] * len(found)


def test_a_command_of_the_plan_is_asked_for_each_of_its_sites(tmp_path: Path) -> None:
    found = told(command_estate(tmp_path, command=WHICH, sites=["primary", "dr"]), "engine")
    assert [(one.where, one.version) for one in found] == [
        ("site primary", "4.2 at primary"),
        ("site dr", "4.2 at dr"),
    ]
    assert {one.by for one in found} == {f"the plan's own command ({sys.executable})"}
    [alone] = told(command_estate(tmp_path, command=WHICH), "engine")
    assert alone.version == "4.2 at none"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/no/such/program"], "/no/such/program"),
        (["false"], "false"),
        (["true"], "it said nothing"),
        (["sleep", "60"], "sleep"),
    ],
)
def test_what_cannot_be_asked_is_not_known_and_says_why(tmp_path: Path, command: list[str], why: str) -> None:
    [found] = told(command_estate(tmp_path, command=command, limit="300ms"), "engine")
    assert found.version is None
    assert why in str(found.problem)


def test_a_secret_that_a_command_prints_is_in_no_version(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("hunter2-hunter2")
    secret.chmod(0o600)
    [found] = told(command_estate(tmp_path, command=SAYING, env={"TOKEN": {"file": str(secret)}}), "engine")
    assert found.version == "1.0 ***"


def test_a_service_that_nobody_asks_is_not_known(tmp_path: Path) -> None:
    service = {"engine": {"rto": "1m"}}
    [found] = told(estate_of(tmp_path, services=service), "engine")
    assert (found.version, found.problem) == (
        None,
        "the plan names no command that tells it (versions.engine)",
    )
    [asked] = told(estate_of(tmp_path, services=service, versions={"engine": {"command": WHICH}}), "engine")
    assert asked.version


def test_a_site_of_commands_and_one_that_cannot_be_made_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = ["true"]
    shell = {"kind": "shell", "start": true, "stop": true, "kill": true, "status": true}
    estate = estate_of(tmp_path, sites={"primary": shell, "dr": shell})
    found = [one for one in told(estate, "operating system") if one.where.startswith("site ")]
    assert [one.version for one in found] == [None, None]

    def refuse(_: str) -> None:
        raise BlackstartError("its key is gone")

    monkeypatch.setattr(estate, "site", refuse)
    found = [one for one in told(estate, "operating system") if one.where.startswith("site ")]
    assert {one.problem for one in found} == {"its key is gone"}


def test_restic_and_a_server_that_is_not_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 20)
    secret.chmod(0o600)
    server = {"host": "127.0.0.1"}
    estate = estate_of(
        tmp_path,
        repositories={
            "onsite": {"site": "primary", "url": str(tmp_path / "r"), "password": {"file": str(secret)}}
        },
        datasets={
            "orders": {
                "kind": "postgres",
                "database": "desk",
                "user": "x",
                "primary": server | {"site": "primary", "port": 1},
                "standby": server | {"site": "dr", "port": 2},
            }
        },
    )
    [restic] = told(estate, "restic")
    assert str(restic.version).startswith("0.")
    servers = told(estate, "PostgreSQL server of orders")
    assert [(one.where, one.version) for one in servers] == [("site dr", None), ("site primary", None)]
    assert all(one.problem for one in servers)
