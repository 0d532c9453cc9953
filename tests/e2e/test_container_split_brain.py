"""A site of containers is cut off and another one promoted by somebody who fences nothing: two writers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.closing import Closed
from drills.preview import preview
from rto_rpo.evidence.checking.verify import verify
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import EXAMPLE, calibration
from tests.e2e.test_revived_primary import DRILL
from tests.engine import BASE, engine

sys.path.insert(0, str(EXAMPLE))  # as in desks

import container_desk as example
import databases

pytestmark = [pytest.mark.e2e, pytest.mark.containers, pytest.mark.timeout(400), pytest.mark.campaign]
PARTITION = {"kind": "partition", "site": "primary"}


@contextmanager
def observed(folder: Path, **keys: Any) -> Iterator[Estate]:
    """The databases of the desk, whose commits wait for nobody; the failover is left to the test."""
    engine()
    environ = {**os.environ, "BASE": BASE, "BLACKSTART_EVIDENCE": str(folder / "evidence")}
    built = example.build(folder, environ)
    try:
        built.up()
        declared = yaml.safe_load(example.PLAN.read_text())
        for name in ("failover", "repositories", "roles"):
            del declared[name]
        orders = declared["datasets"]["orders"]
        del orders["on_standby_loss"], orders["backup"]
        declared["datasets"] = {"orders": orders | {"synchronous": False, "rpo": "1m"}}
        declared["services"] = {"database": {"needs": ["orders"], "rto": "30s"}}
        declared["drills"] = {"lose-primary": DRILL | {"fault": PARTITION, **keys}}
        text = yaml.safe_dump(declared, sort_keys=False).encode()
        estate = Estate(read_plan(example.PLAN, text, {**environ, **built.variables}))
        asynchronous(built)
        save(calibration(), file_of(estate.state))
        yield estate
    finally:
        built.down()


def asynchronous(built: example.ContainerDesk) -> None:
    """Else a primary without its standby takes no write, and there is nothing to see."""
    psql = [str(shutil.which("psql")), "-qAt", "-h", "127.0.0.1", "-p", built.variables["PRIMARY_PG_PORT"]]
    for statement in ("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"):
        done = subprocess.run(
            [*psql, "-U", databases.ADMIN, "-d", "desk", "-c", statement],
            env={**os.environ, "PGPASSWORD": (built.folder / "secrets" / "admin").read_text().strip()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def drilled(estate: Estate) -> Closed:
    """Somebody else takes silence for a fence, and promotes the standby."""

    def tell(said: str) -> None:
        if said.startswith("Injected"):
            estate.postgres("orders").promote("dr", limit_seconds=20)

    confirm = preview(estate, "lose-primary").confirm
    return drill.run(estate, "lose-primary", environment="demo", confirm=confirm, tell=tell)


@pytest.mark.parametrize(
    ("revived", "verdict"),
    [(True, "missed"), (False, "inconclusive")],
    ids=["seen to take writes", "never seen again"],
)
def test_containers_that_are_cut_off_and_fenced_by_nobody(
    desk_folder: Path, revived: bool, verdict: str
) -> None:
    """Silence is no refusal: whether it took writes meanwhile is known once it is back, and not before.

    With the runbook's own fence the same drill is met: see test_container_faults.
    """
    with observed(desk_folder, revive_old_primary=revived) as estate:
        run = drilled(estate)
        (split,) = run.report["split_brain"]
        assert (split["verdict"], run.verdict) == (verdict, verdict), run.report["reasons"]
        if verdict == "missed":
            assert any("split brain" in reason for reason in run.report["reasons"]), run.report["reasons"]
        assert (len(split["revived_taken"]) > 0) == (verdict == "missed")
        assert estate.site("primary").proven_gone().holds, "what was cut off comes back without a writer"
        assert verify(estate.plan.evidence.path).intact
        told = f"{split['revived_tried']} writes to it afterwards, {len(split['revived_taken'])} taken"
        print(f"proof: containers, fenced by nobody, revived {revived}: {verdict}, {told}")  # noqa: T201
