"""The command line on a real pair: a drill that may not run does nothing, says why, and what would help."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import drill
from drills.lever import Lever
from rto_rpo.evidence.checking.verify import verify
from sites.drivers.postgres.receiver import freeze_receiver, thaw_receiver
from sites.errors import GuardError
from sites.estate import Estate
from tests.drills.test_undo_without_us import drilled
from tests.sites.drivers.pairs import Pair

pytestmark = pytest.mark.postgres
BLACKSTART = str(Path(sys.executable).with_name("blackstart"))
REFUSED = 2


def blackstart(plan: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [BLACKSTART, "drill", "kill", "--plan", str(plan), *words]
    return subprocess.run(argv, capture_output=True, text=True, env=os.environ, check=False, timeout=60)


def snapshot(pair: Pair, estate: Estate) -> dict[str, object]:
    """Who runs under which number, who serves, and every byte of state and evidence."""
    running = {name: dict(estate.site(name).running()) for name in ("primary", "dr")}
    serving = {name: pair.dataset.writable(name) for name in ("primary", "dr")}
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for root in (estate.state, estate.plan.evidence.path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.stat().st_size  # an empty one is a lock
    }
    return {"running": running, "serving": serving, "files": files}


def changed(estate: Estate, name: str, **changes: Any) -> Path:
    """The plan in a file of its own beside the other, its drill changed."""
    declared = yaml.safe_load(estate.plan.raw)
    declared["drills"]["kill"] |= changes
    path = estate.plan.path.with_name(f"{name}.yaml")
    path.write_text(yaml.safe_dump(declared))
    return path


def confirmed(plan: Path) -> list[str]:
    confirm = json.loads(blackstart(plan, "--preview", "--json").stdout)["confirm"]
    return ["--environment", "test", "--confirm", confirm]


def test_a_drill_that_may_not_run_changes_nothing_and_says_why(new_pair: Callable[..., Pair]) -> None:
    pair = new_pair()
    estate = drilled(pair)
    plan = changed(estate, "as-it-is")
    right = confirmed(plan)
    before = snapshot(pair, estate)
    late = datetime.now(UTC) - timedelta(minutes=6)
    with pytest.raises(GuardError, match="more than 5m is not run"):
        drill.run(estate, "kill", environment="test", confirm=right[-1], due=late)
    now = snapshot(pair, estate)
    assert (now["running"], now["serving"]) == (before["running"], before["serving"])
    assert 'not run: drill \\"kill\\" was due' in (estate.plan.evidence.path / "chain.jsonl").read_text()
    assert verify(estate.plan.evidence.path).intact
    before = now

    def refused(path: Path, said: str, way_out: str, words: list[str]) -> None:
        ended = blackstart(path, *words)
        assert ended.returncode == REFUSED, ended.stderr
        assert said in ended.stderr.replace("\n", " "), ended.stderr
        assert way_out in ended.stderr.replace("\n", " "), ended.stderr
        assert "Traceback" not in ended.stderr
        assert snapshot(pair, estate) == before

    refused(plan, 'its environment is "test", named was "production"', "--environment test",
            ["--environment", "production", *right[2:]])  # fmt: skip
    refused(plan, "the hash of its targets is", "--preview", [*right[:3], "0" * 16])
    outside = changed(estate, "outside", window={"calendar": "24/7"})
    refused(outside, "24/7 trades at", "while the market is closed", confirmed(outside))
    capped = changed(estate, "capped", caps={"targets": 1})
    refused(capped, "it would hit 2 targets at primary, allowed are 1", "`caps`", confirmed(capped))
    Lever(estate.state).pull("not today")
    before = snapshot(pair, estate)
    refused(plan, "the stop lever was pulled: not today", "stop --release", right)
    Lever(estate.state).release()
    about_it = {"kind": "dr_not_ready", "site": "primary", "dataset": "orders"}
    unready = changed(estate, "unready", fault=about_it, caps={"sites": 2})
    right_of_unready = confirmed(unready)
    before = snapshot(pair, estate)
    receiver = pair.dataset.receiver_pid("dr")
    assert receiver is not None
    freeze_receiver(pair.dr, receiver)  # it goes on being called streaming, and has old data
    refused(unready, 'dataset "orders" is not in sync', "nothing was changed", right_of_unready)
    thaw_receiver(pair.dr, receiver)
    estate.site("dr").kill()
    before = snapshot(pair, estate)
    for path, words in ((plan, right), (unready, right_of_unready)):
        refused(path, 'cannot run drill "kill": dataset "orders"', "nothing was changed", words)
