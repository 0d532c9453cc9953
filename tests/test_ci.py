"""CI ends the Docker daemon that its tests started, and no other. Daemon and make are played."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAYED = "import signal; signal.pause()"


def daemon(folder: Path, data: Path) -> subprocess.Popen[bytes]:
    """A process that looks like our daemon, and is known by its number in the checkout."""
    python = shutil.which("python3") or "python3"
    process = subprocess.Popen([python, "-c", PLAYED, "--data-root", str(data), "--exec-root", "/run"])
    (folder / "build" / "docker").mkdir(parents=True, exist_ok=True)
    (folder / "build" / "docker" / "pid").write_text(f"{process.pid}\n")
    return process


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (".ci/run", "scripts/containers"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def ci(folder: Path, make: str) -> int:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "make").write_text(f"#!/bin/sh\n{make}\n")
    (tools / "make").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run([str(folder / ".ci/run")], env=env, timeout=60, check=False).returncode


def test_what_the_tests_started_ends_with_them_and_their_code_stays(checkout: Path) -> None:
    started = daemon(checkout, checkout / "build/docker/data")
    number = (checkout / "build/docker/pid").rename(checkout / "number")  # it runs only once the tests do
    assert ci(checkout, f"mv {number} {checkout}/build/docker/pid; exit 7") == 7
    assert started.wait(timeout=20) < 0


@pytest.mark.parametrize("whose", ["ran before", "another checkout's"])
def test_a_daemon_that_ran_before_or_is_somebody_elses_goes_on(checkout: Path, whose: str) -> None:
    data = checkout / "build/docker/data" if whose == "ran before" else checkout / "elsewhere"
    other = daemon(checkout, data)
    try:
        assert ci(checkout, "exit 0") == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
