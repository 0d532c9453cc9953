"""SIGTERM in the middle of a backup: the tools end too, the point before stays, the next one succeeds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from flows.exposure.exposed import exposed
from flows.options import estate_of
from flows.protection.protect import back_up, replicate_all
from sites.protection.history import History
from tests.flows.plans import small_plan
from tests.sites.repositories import wait_until

ROOT = Path(__file__).resolve().parents[3]


def commands_with(words: str) -> list[str]:
    """Every process of this machine whose command line holds `words`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [line] if words in line else []
    return found


def test_the_point_before_stays_and_nothing_is_left_running(tmp_path: Path, repository: Path) -> None:
    plan = small_plan(tmp_path, repository)
    estate = estate_of(plan)
    for one in (*back_up(estate, ["documents"]), *replicate_all(estate)):
        assert one.error is None
    before = exposed(estate)[0]
    assert before.point is not None
    (tmp_path / "here" / "documents" / "large").write_bytes(os.urandom(4_000_000))
    wrapper = tmp_path / "bin" / "restic"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("restic")} --limit-upload 20 "$@"\n')
    wrapper.chmod(0o755)
    environment = {**os.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    program = "from flows.cli import main; main()"
    argv = [sys.executable, "-c", program, "backup", "documents", "--plan", str(plan)]
    slow = f"--repo {tmp_path}/here/repository --json backup"
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: commands_with(slow))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode not in (0, -signal.SIGTERM)
    assert b"Traceback" not in said
    assert commands_with(slow) == []
    event = History(estate.history).last("backup")
    assert event is not None
    assert (event.outcome, event.detail["error"]) == ("failed", "it was interrupted")
    after = exposed(estate)[0]
    assert (after.point, after.snapshot_id) == (before.point, before.snapshot_id)
    assert all(one.error is None for one in back_up(estate, ["documents"]))
