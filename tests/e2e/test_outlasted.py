"""A real failover slower than its drill: its process ends after it, or leaves a journal to go on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills.calibration.record import file_of, save
from drills.outlasting import STILL_RUNNING
from drills.preview import preview
from drills.undo import UndoIntents
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from sites.estate import Estate
from sites.recovery.standing import Standing
from tests.e2e.desks import calibration
from tests.e2e.small_drills import small, written
from tests.sites.drivers.conftest import new_pair, template
from tests.sites.drivers.pairs import Pair
from tests.sites.repositories import wait_until

__all__ = ["new_pair", "template"]

pytestmark = [pytest.mark.postgres, pytest.mark.campaign, pytest.mark.timeout(240)]

# The command line as it is; only the two patiences before it are short.
QUICK = """
from drills import deadman, rehearsal
rehearsal.RESPONSE_SECONDS_MAX, deadman.PATIENCE_SECONDS = 0.5, 1.0
from flows.cli import main
main()
"""


def slow_estate(pair: Pair, script: str) -> Estate:
    estate = small(pair, {"kind": "kill_site", "site": "primary"}, rto="2s", deadline="5s")
    declared: dict[str, Any] = yaml.safe_load(estate.plan.raw)
    step = {
        "after": ["fence primary"],
        "before": ["promote orders"],
        "do": ["sh", "-c", script],
        "limit": "10m",
    }
    declared["failover"]["steps"] = {"slow": step}
    estate = written(estate.plan.path, declared)
    save(calibration(), file_of(estate.state))
    return estate


@contextmanager
def drilling(estate: Estate) -> Iterator[subprocess.Popen[bytes]]:
    """Until its run is closed, and it waits for nothing but its failover. What it says is in `said`."""
    argv = [sys.executable, "-c", QUICK, "drill", "lose-primary", "--plan", str(estate.plan.path)]
    argv += ["--environment", "test", "--confirm", preview(estate, "lose-primary").confirm]
    ours = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with said(estate).open("wb") as out, subprocess.Popen(argv, stdout=out, stderr=out, env=ours) as drill:
        try:
            wait_until(lambda: STILL_RUNNING in said(estate).read_text(), seconds=120)
            wait_until(lambda: not chain.unfinished(estate.plan.evidence.path), seconds=60)
            yield drill
        finally:
            drill.kill()


def said(estate: Estate) -> Path:
    return estate.plan.folder / "said"


def check_evidence(estate: Estate) -> None:
    found = verify(estate.plan.evidence.path)
    assert found.intact, found.findings
    assert [run.state for run in found.runs] == ["closed"]


def test_the_process_ends_after_the_failover_that_outlasts_its_drill(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair()
    go = pair.folder / "go"
    estate = slow_estate(pair, f"while ! test -e {go}; do sleep 0.1; done")
    with drilling(estate) as drill:
        assert pair.dataset.writable("dr") is False
        go.touch()
        assert drill.wait(90) != 0
    assert pair.dataset.writable("dr") is True
    told = said(estate).read_text()
    assert told.count(STILL_RUNNING) == 1, told
    assert "The failover has ended: all" in told, told
    assert "Undone (reverted, fenced)" in told, told
    assert Standing(estate.state).now == "failed over"
    assert UndoIntents(estate.state).pending() == []
    check_evidence(estate)


def test_who_does_not_wait_leaves_a_journal_that_is_gone_on_with(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair()
    once = pair.folder / "once"
    estate = slow_estate(pair, f"test -e {once} || {{ touch {once}; exec sleep 300; }}")
    with drilling(estate) as drill:
        drill.send_signal(signal.SIGINT)
        drill.wait(60)  # the step goes on for much longer
    told = said(estate).read_text()
    assert "`blackstart failover --resume` goes on with it" in told.split(STILL_RUNNING)[1], told
    assert pair.dataset.writable("dr") is False
    assert Standing(estate.state).under_way == "failover"
    blackstart("failover", "--resume", "--environment", "test", estate=estate)
    assert pair.dataset.writable("dr") is True
    blackstart("recover", estate=estate)
    assert UndoIntents(estate.state).pending() == []
    check_evidence(estate)


def blackstart(*words: str, estate: Estate) -> None:
    argv = [str(Path(sys.executable).with_name("blackstart")), *words, "--plan", str(estate.plan.path)]
    ended = subprocess.run(argv, check=False, timeout=120, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
