"""A real Docker daemon for tests, or the reason why there is none: then they are skipped, and say so.

Where `scripts/containers` prepares one in the background it is waited for: they come last, see conftest.
"""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sites.drivers.containers.composition import ComposedService, Composition
from sites.drivers.containers.daemon import PROCESS_LABEL, SITE_LABEL, Daemon
from sites.drivers.containers.project import Project
from sites.drivers.containers.site import ContainerSite, ContainerSpec
from sites.errors import SiteError

BASE = "blackstart-base:bookworm"
STATE = Path(__file__).resolve().parents[1] / "build" / "containers.state"
PREPARING_SECONDS_MAX = 100.0  # below the limit of a test
SLEEPER = ["sh", "-c", "trap exit TERM; sleep 600 & wait"]


def engine() -> Daemon:
    """The daemon. Skips the test where there is none; fails it where one was promised and broke."""
    daemon, why, broken = _found()
    if broken:
        pytest.fail(f"containers could not be prepared: {why}")
    if daemon is None:
        pytest.skip(f"no Docker, so no real container was tested: {why}")
    return daemon


@functools.cache
def _found() -> tuple[Daemon | None, str, bool]:
    state = _prepared()
    if state.startswith("failed"):
        return None, state, True
    if state.startswith("unavailable"):
        return None, state, False
    daemon = Daemon()
    try:
        images = daemon.api.images(name=BASE)
    except SiteError as error:
        return None, str(error), False
    return (daemon, "", False) if images else (None, f"no image {BASE}; `make base-image` makes it", False)


def _prepared() -> str:
    """What the preparation came to; empty where none was begun."""
    deadline = time.monotonic() + PREPARING_SECONDS_MAX
    while (state := _state()).startswith("preparing"):
        if time.monotonic() > deadline:
            return f"failed: not within {PREPARING_SECONDS_MAX:.0f} s"
        if not Path(f"/proc/{state.split()[1]}").exists() and _state() == state:
            return "failed: who prepared it has gone; see build/containers.log"
        time.sleep(0.1)
    return state


def _state() -> str:
    return STATE.read_text().strip() if STATE.exists() else ""


@contextmanager
def real_sites(path: Path) -> Iterator[Callable[[], ContainerSite]]:
    """Three real containers on their own network, gone afterwards: `alpha`, `beta`, and `gamma` for later.

    What is given makes a driver of their site, and another one, and so on.
    """
    daemon, project = engine(), f"blackstart-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    label = f"{project}/north"
    services = {name: sleeper(label, name) for name in specs()}
    made = Project(project, Composition(services=services, networks={"north": None}), path, daemon)
    try:
        made.create()
        yield lambda: ContainerSite("north", path, label, specs(), daemon)
    finally:
        made.remove()


@contextmanager
def real_site(path: Path) -> Iterator[ContainerSite]:
    with real_sites(path) as another:
        yield another()


def sleeper(label: str, name: str) -> ComposedService:
    labels = {SITE_LABEL: label, PROCESS_LABEL: name}
    return ComposedService(image=BASE, command=SLEEPER, labels=labels, networks=["north"])


def specs() -> dict[str, ContainerSpec]:
    early = ContainerSpec(stop_seconds=5)
    return {"alpha": early, "beta": early, "gamma": ContainerSpec(autostart=False, stop_seconds=5)}
