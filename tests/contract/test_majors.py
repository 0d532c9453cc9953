"""What holds on the machine's PostgreSQL holds on every major that can be had, by the same tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.errors import MissingProgram
from tests.sites.drivers.conftest import new_open_folder
from tests.sites.drivers.majors import MAJORS, VARIABLE, programs_of
from tests.sites.drivers.pairs import Pair, make_pair, make_template

ROOT = Path(__file__).resolve().parents[2]
SUITES = (
    "tests/contract/test_promotable.py",
    "tests/contract/test_dumpable.py",
    "tests/contract/test_clients.py",
    "tests/sites/drivers/test_postgres.py",
    "tests/sites/drivers/test_postgres_canary.py",
    "tests/sites/drivers/test_postgres_client.py",
    "tests/sites/drivers/test_postgres_loss.py",
    "tests/sites/drivers/test_postgres_promotion.py",
    "tests/sites/drivers/test_postgres_rejoin.py",
    "tests/sites/recovery/test_failback.py",
    "tests/sites/recovery/test_killed_failover.py",
    "tests/drills/faults/test_database_faults.py",
)


@pytest.fixture
def pair_of_the_newest() -> Iterator[Pair]:
    try:
        programs = programs_of(MAJORS[-1])
    except MissingProgram as error:
        pytest.skip(f"nothing is shown of PostgreSQL {MAJORS[-1]}: {error}")
    template, folder = new_open_folder(), new_open_folder()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, str(programs.version))
            make_template(template)
            pair = make_pair(template, folder, synchronous=True)
        yield pair
        pair.kill()
    finally:
        shutil.rmtree(template)
        shutil.rmtree(folder)


@pytest.mark.postgres
def test_the_newest_major_takes_over_and_takes_back(pair_of_the_newest: Pair) -> None:
    pair = pair_of_the_newest
    assert pair.servers["dr"].programs.version == MAJORS[-1]
    pair.primary.kill()
    pair.dataset.promote("dr", limit_seconds=20)
    assert pair.dataset.writable("dr") is True

    source = pair.dataset.host_standby("dr", "primary", limit_seconds=20)
    done = pair.rejoining("primary").prepare(source, limit_seconds=60)
    pair.primary.up()
    proof = pair.dataset.wait_until_in_sync(limit_seconds=20, standby="primary", synchronous=False)
    assert proof.holds, (done, proof)
    assert pair.dataset.refuses_write("primary").holds


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("major", MAJORS)
def test_campaign_of_every_major(major: int) -> None:
    try:
        programs = programs_of(major)
    except MissingProgram as error:
        pytest.skip(f"PostgreSQL {major} is untested: {error}")
    said = subprocess.run(
        [programs.path("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-m", "not campaign", "-p", "no:cacheprovider", *SUITES]
    done = subprocess.run(
        argv, cwd=ROOT, env={**os.environ, VARIABLE: str(major)}, capture_output=True, text=True, check=False
    )
    counted = re.search(r"\d+ passed.*", done.stdout)
    assert done.returncode == 0, done.stdout[-4000:]
    assert counted is not None
    print(f"proof: {said.stdout.strip()}: {counted.group()}")  # noqa: T201


def test_a_major_that_is_not_here_is_said_to_be_missing() -> None:
    with pytest.raises(MissingProgram, match="PostgreSQL 99 is not here"):
        programs_of(99)


def test_every_trap_of_the_page_has_its_test() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/postgresql.md").read_text())
    missing = [
        f"{path}::{test}" for path, test in named if test and f"def {test}(" not in (ROOT / path).read_text()
    ]
    assert missing == []
    assert all((ROOT / path).exists() for path, _ in named)
    assert len(named) > 20
