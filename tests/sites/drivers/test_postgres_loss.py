"""Losing a real primary whole: what is gone, what is not, and how the standby takes over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sites.drivers.postgres.leftovers import release_leftovers
from sites.drivers.postgres.receiver import drop_receiver, freeze_receiver
from sites.drivers.postgres.roles import arm
from sites.drivers.processes import table as processes
from sites.drivers.processes.control import namespaces_work
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import DatasetError, SiteError
from tests.sites.drivers.pairs import ADMIN_PASSWORD, LOOPBACK, PASSWORD, REPLICATION_PASSWORD, Pair
from tests.sites.drivers.waiting import wait_until

pytestmark = pytest.mark.postgres

NewPair = Callable[..., Pair]


def servers_in(folder: Path) -> list[int]:
    """Every living process whose current folder is within; PostgreSQL's all sit in their data."""
    found = []
    for pid in processes.numbers():
        try:
            where = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            continue
        entry = processes.entry(pid)
        if where.is_relative_to(folder) and entry is not None and entry.alive:
            found.append(pid)
    return found


async def write_through(pair: Pair, when: Callable[[int], object], *, count: int) -> set[int]:
    """Write numbers to the primary, eight at a time, and say which were acknowledged.

    `when` is called in a thread as soon as that many have been acknowledged.
    """
    client = pair.dataset.client("primary", limit_seconds=1)
    await client.prepare()
    acknowledged: set[int] = set()
    numbers = iter(range(count))
    loss = asyncio.create_task(asyncio.to_thread(when, 0))

    async def writer() -> None:
        for number in numbers:
            outcome = await client.write("loss", number, b"%d" % number)
            if outcome.result == "acknowledged":
                acknowledged.add(number)

    await asyncio.gather(*(writer() for _ in range(8)))
    await loss
    await client.aclose()
    return acknowledged


async def kept_at(pair: Pair, site: str) -> set[int]:
    client = pair.dataset.client(site, limit_seconds=10)
    back = await client.read_back("loss")
    assert back.count == len(back.rows)
    assert back.end
    return {number for number, _ in back.rows}


@pytest.fixture(params=[True, False], ids=["namespace", "tree"])
def namespace(request: pytest.FixtureRequest) -> bool:
    if request.param and not namespaces_work():
        pytest.skip("no PID namespaces for us here")
    return bool(request.param)


def test_a_kill_under_load_takes_every_backend_and_loses_nothing_acknowledged(
    new_pair: NewPair, namespace: bool
) -> None:
    pair = new_pair(synchronous=True, namespace=namespace)
    pair.primary.targets()
    assert len(servers_in(pair.folder / "primary/data")) > 5

    def lose(_: int) -> None:
        wait_for_rows(pair, 50)
        proof = pair.primary.kill()
        assert proof.holds, proof
        assert servers_in(pair.folder / "primary/data") == []

    acknowledged = asyncio.run(write_through(pair, lose, count=3000))
    refused = pair.dataset.refuses_write("primary")
    pair.dataset.promote("dr", limit_seconds=20)

    assert len(acknowledged) >= 50
    assert refused.holds
    assert pair.dataset.writable("dr") is True
    assert acknowledged - asyncio.run(kept_at(pair, "dr")) == set()


@pytest.mark.parametrize("synchronous", [False, True], ids=["asynchronous", "synchronous"])
def test_a_frozen_receiver_loses_acknowledged_writes_only_without_synchronous_replication(
    new_pair: NewPair, synchronous: bool
) -> None:
    pair = new_pair(synchronous=synchronous)
    receiver = pair.dataset.receiver_pid("dr")
    assert receiver is not None

    def lose(_: int) -> None:
        before = wait_for_rows(pair, 30)
        freeze_receiver(pair.dr, receiver)
        if not synchronous:
            wait_for_rows(pair, before + 100)
        pair.primary.kill()
        drop_receiver(pair.dr, receiver)

    acknowledged = asyncio.run(write_through(pair, lose, count=2000))
    pair.dataset.promote("dr", limit_seconds=20)
    lost = acknowledged - asyncio.run(kept_at(pair, "dr"))

    assert len(acknowledged) >= 30
    assert (len(lost) >= 50) is not synchronous, f"{len(lost)} lost of {len(acknowledged)}"
    assert synchronous is (lost == set())


def test_a_promotion_starts_a_timeline_and_may_be_asked_for_again(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    pair.primary.kill()

    pair.dataset.promote("dr", limit_seconds=20)
    pair.dataset.promote("dr", limit_seconds=20)

    assert pair.dataset.timeline("dr") == 2
    assert pair.dataset.writable("primary") is None
    assert not pair.dataset.refuses_write("dr").holds


def test_an_old_primary_that_comes_back_is_a_second_writer_and_seen_as_one(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    pair.primary.kill()
    pair.dataset.promote("dr", limit_seconds=20)

    pair.primary.up()

    assert pair.dataset.writable("primary") is True
    assert not pair.dataset.refuses_write("primary").holds
    proof = pair.dataset.in_sync()
    assert not proof.holds
    assert "takes writes itself" in proof.how
    assert pair.dataset.timeline("primary") == 1


def test_a_left_over_pid_that_is_somebody_elses_by_now_does_not_stop_a_revival(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True, namespace=True if namespaces_work() else None)
    if not namespaces_work():
        pytest.skip("the numbers repeat only in PID namespaces")
    spec = pair.servers["primary"].process()
    pid_file = pair.folder / "primary/data/postmaster.pid"
    taken = int(pid_file.read_text().split("\n")[0])
    squatter = ProcessSpec(("sleep", "600"), user=spec.user, cwd=Path("/"))
    pair.primary.kill()

    careless = ProcessSpec(spec.command, user=spec.user, cwd=spec.cwd, ready=spec.ready)
    first = ProcessSite("primary", pair.folder / "primary", {"squatter": squatter, "postgres": careless})
    with pytest.raises(SiteError, match=r'lock file "postmaster\.pid" already exists'):
        first.up()
    first.kill()
    second = ProcessSite("primary", pair.folder / "primary", {"squatter": squatter, "postgres": spec})
    second.up()

    assert taken == 2
    assert list(second.running()) == ["squatter", "postgres"]
    assert pair.dataset.writable("primary") is True


def test_down_shuts_a_server_down_in_good_order(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)

    pair.primary.down()

    assert "database system is shut down" in pair.log("primary")
    assert not (pair.folder / "primary/data/postmaster.pid").exists()
    assert pair.primary.proven_gone().holds


def test_a_killed_server_that_stays_dead_leaves_nothing_behind(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    data = pair.servers["primary"].data
    segment = (data / "postmaster.pid").read_text().splitlines()[6].split()

    in_use = release_leftovers(data)
    pair.primary.kill()
    there = segment in segments()
    released = release_leftovers(data)

    assert (in_use, there, released) == (False, True, True)
    assert segment not in segments()
    assert not release_leftovers(data)
    assert not release_leftovers(data.parent)


def segments() -> list[list[str]]:
    return [row.split()[:2] for row in Path("/proc/sysvipc/shm").read_text().splitlines()]


def wait_for_rows(pair: Pair, count: int) -> int:
    """Until the primary itself holds that many; how many it holds then."""
    while (held := len(asyncio.run(kept_at(pair, "primary")))) < count:
        assert pair.primary.running(), "the primary has gone"
    return held


def test_a_standby_of_another_history_is_not_level_though_its_log_is_longer(new_pair: NewPair) -> None:
    """The primary was made anew, as after its loss: its standby still holds what was there before."""
    pair = new_pair(synchronous=False)
    pair.primary.kill()
    made = pair.servers["primary"]
    release_leftovers(made.data)
    shutil.rmtree(made.data)
    made.create_primary(admin_password=ADMIN_PASSWORD, wal_segment_mb=1)
    pair.primary.up()
    arm(
        (LOOPBACK, made.settings.port),
        admin_password=ADMIN_PASSWORD,
        database="desk",
        user="blackstart",
        password=PASSWORD,
        replication_password=REPLICATION_PASSWORD,
    )
    with pytest.raises(DatasetError, match=r"is on timeline 1 of cluster \d+, its primary on timeline 1 of"):
        pair.dataset.position("dr", "primary")


def test_how_far_a_standby_has_come_is_told_by_its_log_also_when_the_primary_is_gone(
    new_pair: NewPair,
) -> None:
    pair = new_pair(synchronous=False)
    dataset = pair.dataset
    began = datetime.now(UTC)
    assert dataset.writable("primary")  # which commits a row
    wait_until("the standby is level", lambda: dataset.position("dr", "primary").behind_bytes == 0)
    level = dataset.position("dr", "primary")
    assert level.committed is not None
    assert began <= level.committed <= datetime.now(UTC)
    freeze_receiver(pair.dr, dataset.receiver_pid("dr") or 0)
    assert dataset.writable("primary")
    behind = dataset.position("dr", "primary")
    assert behind.behind_bytes
    assert (behind.lsn, behind.committed) == (level.lsn, level.committed)
    pair.primary.kill()
    alone = dataset.position("dr", "primary")
    assert (alone.lsn, alone.committed, alone.behind_bytes) == (level.lsn, level.committed, None)
    with pytest.raises(DatasetError):
        dataset.position("primary", "dr")
