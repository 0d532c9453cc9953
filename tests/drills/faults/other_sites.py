"""Estates whose primary is made of containers, of a host, or of a user's own commands: two sleepers."""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sites.drivers.containers.composition import Composition
from sites.drivers.containers.project import PROJECT_LABEL, Project
from sites.estate import Estate
from tests.drills.faults.conftest import estate_of
from tests.drills.faults.volumes import SIZE_BYTES
from tests.engine import engine, sleeper
from tests.sites.shell_commands import SCRIPT
from tests.sites.sshd import Sshd, make_island, make_keys, no_island, one_sshd, why_not
from tests.sites.sshd import sleeper as sleeper_on_host

NAMES = ("postgres", "gateway")
ACTS = ("start", "stop", "kill", "status")
BOUNDED, KEPT = "/bounded", "/kept"


@contextmanager
def up(folder: Path, primary: dict[str, Any], **sections: Any) -> Iterator[Estate]:
    """Its primary is up; whatever a test leaves there is killed."""
    dr = {"kind": "processes", "path": str(folder / "dr")}
    estate = estate_of(folder, sites={"primary": {"drills": True, **primary}, "dr": dr}, **sections)
    estate.site("primary").up()
    try:
        yield estate
    finally:
        estate.site("primary").kill()
        if hasattr(estate.site("primary"), "close"):
            estate.site("primary").close()


@contextmanager
def containers(folder: Path) -> Iterator[Estate]:
    """Each with a volume of 4 MiB in memory, and one on the daemon's disk."""
    daemon, project = engine(), f"blackstart-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    label = f"{project}/primary"
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={SIZE_BYTES}"}
    volumes = [f"bounded:{BOUNDED}", f"kept:{KEPT}"]
    services = {name: sleeper(label, name).model_copy(update={"volumes": volumes}) for name in NAMES}
    composed = Composition(services=services, networks={"north": None}, volumes={"kept": None})
    made = Project(project, composed, folder, daemon)
    try:
        daemon.api.create_volume(f"{project}_bounded", driver_opts=options, labels={PROJECT_LABEL: project})
        made.create()
        site = {"kind": "containers", "label": label, "processes": {name: {} for name in NAMES}}
        with up(folder, site) as estate:
            yield estate
    finally:
        made.remove()


def _as_in_a_plan(words: Any) -> list[str]:
    return [word.replace("$", "$$") for word in words]


def host_site(server: Sshd, folder: Path) -> dict[str, Any]:
    work = folder / "work"
    work.mkdir()
    processes = {
        name: {act: _as_in_a_plan(getattr(sleeper_on_host(work, name), act)) for act in ACTS}
        for name in NAMES
    }
    return {
        "kind": "hosts",
        "hosts": {"a": {"address": server.at, "port": server.port}},
        "ssh": {
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "config": "/dev/null",
            "key": str(server.folder / "client_key"),
            "known_hosts": str(server.folder / "known_hosts"),
        },
        "processes": processes,
    }


@contextmanager
def hosts(folder: Path) -> Iterator[Estate]:
    if (why := why_not()) is not None:
        pytest.skip(why)
    if one_sshd().site is not None:  # an sshd lets only so many sessions share one connection
        one_sshd().site.close()  # type: ignore[union-attr]
    with up(folder, host_site(one_sshd(), folder)) as estate:
        yield estate


@contextmanager
def island(folder: Path, data: Path | None = None) -> Iterator[tuple[Estate, Sshd]]:
    """A host with a network of its own, and where it is. `data` is what the plan says is kept there."""
    kept = {"files": {"kind": "files", "site": "primary", "path": str(data)}} if data else {}
    if (why := no_island()) is not None:
        pytest.skip(why)
    make_keys(folder / "keys")
    server = make_island(folder / "keys", folder / "server" / "one")
    try:
        with up(folder, host_site(server, folder), datasets=kept) as estate:
            yield estate, server
    finally:
        server.remove()


@contextmanager
def shell(folder: Path) -> Iterator[Estate]:
    work = folder / "work"
    work.mkdir()
    commands = {act: _as_in_a_plan(["sh", "-c", SCRIPT, "sh", str(work), act]) for act in ACTS}
    with up(folder, {"kind": "shell", **commands, "processes": {name: {} for name in NAMES}}) as estate:
        yield estate
