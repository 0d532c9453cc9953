"""What every test stands on: no server but a test's own, no settings of whoever runs the tests."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.workers import TOGETHER, ByUnit, Ran, unit_of

# Prefect reads its settings when it is first imported, which any test may do.
_ROOM = tempfile.TemporaryDirectory(prefix="blackstart-tests-", ignore_cleanup_errors=True)
_HOME = Path(_ROOM.name)
for _name in [name for name in os.environ if name.startswith(("PREFECT_", "BLACKSTART_"))]:
    del os.environ[_name]
os.environ |= {
    "PREFECT_HOME": str(_HOME),
    "PREFECT_PROFILES_PATH": str(_HOME / "profiles.toml"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

# The same examples each time: what passed here passes where it lands. `make campaign` looks further.
settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")


_RAN = Ran()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real drills first, for they take longest, and most of a drill is waiting: the rest fits in there.

    Real containers last, as far as whole files go: what they need may still be made in the background when
    the first test begins, and whoever comes earlier waits for it.
    """
    first = list(TOGETHER)

    def place(item: pytest.Item) -> tuple[bool, int]:
        unit = unit_of(item.nodeid)
        turn = first.index(unit) if unit in first else len(first)
        return item.get_closest_marker("containers") is not None, turn

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByUnit:
    config.option.loadscopereorder = False
    return ByUnit(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if worker := getattr(report, "worker_id", None):
        _RAN.add(report.nodeid, worker)


def pytest_sessionfinish() -> None:
    if torn := _RAN.torn():
        pytest.exit(f"more than one worker ran {', '.join(torn)}", returncode=1)
