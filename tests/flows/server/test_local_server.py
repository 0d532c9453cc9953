"""The server of the demo: on loopback alone, telling nobody, gone with whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from flows.server.api_guard import exposed, openness
from flows.server.local_server import LocalServer

pytestmark = pytest.mark.e2e
STARTER = """
import os, signal, sys
from pathlib import Path
from flows.server.local_server import LocalServer, empty_database
server = LocalServer(Path(sys.argv[1]), empty_database=empty_database(Path(sys.argv[2])))
server.start()
print(server.settings["PREFECT_API_URL"], flush=True)
signal.pause()
"""
ROOT = Path(__file__).resolve().parents[3]


def admin_settings(server: LocalServer) -> Any:
    with urllib.request.urlopen(f"{server.settings['PREFECT_API_URL']}/admin/settings") as reply:  # noqa: S310
        return json.load(reply)


def test_it_is_reached_from_this_machine_alone(server: LocalServer, busy_port: int) -> None:
    url = server.settings["PREFECT_API_URL"]
    assert url.startswith("http://127.0.0.1:")
    assert str(busy_port) not in url
    assert openness(url) == "open"
    assert exposed(url) is None


def test_it_tells_nobody_about_itself(server: LocalServer) -> None:
    told = admin_settings(server)["server"]
    assert told["analytics_enabled"] is False
    assert told["ui"]["enabled"] is False


def test_it_is_gone_when_its_owner_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path / "prefect", ROOT / ".blackstart"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert openness(url) == "open"
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while openness(url) == "open" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert openness(url) == "unreachable"
