"""What every test stands on: no server but a test's own, no settings of whoever runs the tests."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Real containers last: what they need may still be made in the background when the first test begins.

    With two workers side by side one has the whole, and has it first; every other file goes to one of them in
    one piece. Two drills at once would measure each other; but most of a drill is waiting, and the rest fits
    in there.
    """
    items.sort(key=lambda item: item.get_closest_marker("containers") is not None)
    if not hasattr(config, "workerinput"):
        return
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
    for item in items:
        apart = next((mark for mark in ("e2e", "containers") if item.get_closest_marker(mark)), None)
        item.add_marker(pytest.mark.xdist_group(apart or item.path.as_posix()))
