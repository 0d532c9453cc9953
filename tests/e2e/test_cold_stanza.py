"""The desk recovers cold from pgBackRest's stanza at the other site alone: base backup, log, verdict."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from drills import drill
from drills.calibration.record import file_of, save
from drills.preview import preview
from flows.protection.protect import back_up, replicate_all, restore_tests
from flows.recovery.failover import foretold
from rto_rpo.evidence.checking.verify import verify
from sites.drivers.account import give
from sites.drivers.pgbackrest.version import version_of
from sites.drivers.postgres.configuration import quoted
from sites.errors import MissingProgram
from sites.estate import Estate
from sites.plan import read_plan
from tests.e2e.desks import RunningDesk, calibration, changed, example, ledger
from tests.e2e.test_kill_primary import acknowledged, events, lost, lost_by_brute_force
from tests.sites.drivers.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(500)]

COLD = {"lead": "2s", "deadline": "6m"}
CONFIG = """\
[global]
repo1-path={repository}
repo1-retention-full=2
log-path={room}/log
lock-path={room}/lock
spool-path={room}/spool
log-level-file=off
start-fast=y
archive-timeout=20
[desk]
pg1-path={data}
pg1-port={port}
pg1-socket-path={room}/sockets
"""


def with_stanza(folder: Path, desk: example.Desk) -> dict[str, Path]:
    """Have the primary archive to a repository at each site; the configuration of each knows no other one."""
    user, data = desk.variables["PG_USER"], desk.folder / "primary" / "pgdata"
    room = folder / "pgbackrest"
    for name in ("log", "lock", "spool", "sockets"):
        (room / name).mkdir(parents=True)
        give(room / name, user)
    configs = {}
    for site in ("primary", "dr"):
        repository = desk.folder / site / "stanza"
        repository.mkdir(mode=0o700)
        give(repository, user)
        configs[site] = folder / f"pgbackrest-{site}.conf"
        port = desk.variables["PRIMARY_PG_PORT"]
        configs[site].write_text(CONFIG.format(repository=repository, room=room, data=data, port=port))
    pushes = [f"pgbackrest --config={one} --stanza=desk archive-push %p" for one in configs.values()]
    settings = {
        "archive_mode": "on",
        "archive_command": " && ".join(pushes),
        "unix_socket_directories": str(room / "sockets"),
    }
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {quoted(value)}\n" for name, value in settings.items())
    with (data / "pg_hba.conf").open("a") as file:
        file.write("local all all trust\n")
    return configs


def walled(desk: example.Desk, configs: dict[str, Path]) -> Estate:
    """The desk's plan, its orders backed up by pgBackRest and by nothing else."""
    declared = yaml.safe_load(changed(desk, cold=COLD, gate=False).raw)
    declared["repositories"] |= {
        name: {"kind": "pgbackrest", "site": site, "stanza": "desk", "config": str(configs[site])}
        | ({"user": desk.variables["PG_USER"]} if os.geteuid() == 0 else {})
        for name, site in (("onsite-wal", "primary"), ("offsite-wal", "dr"))
    }
    declared["repositories"]["offsite-wal"]["copy_of"] = "onsite-wal"
    declared["datasets"]["orders"]["backup"] = {"to": "onsite-wal", "every": "1h"}
    declared["drills"]["recover-cold"] |= {"late": "4s"}  # two base backups are made while the canary writes
    declared["drills"]["recover-cold"]["canary"] |= {"limit": "4s", "rate": "50/s"}
    text = yaml.safe_dump(declared, sort_keys=False).encode()
    return Estate(read_plan(example.PLAN, text, {**desk.environ, **desk.variables}), until_pid=os.getpid())


@contextmanager
def running(folder: Path) -> Iterator[RunningDesk]:
    built = example.build(folder / "desk", {**os.environ, "BLACKSTART_EVIDENCE": str(folder / "evidence")})
    try:
        configs = with_stanza(folder, built)
        estate = walled(built, configs)
        estate.site("primary").stop("postgres")  # archiving is turned on by a start alone
        built.up()
        for name in ("onsite-wal", "offsite-wal"):  # no segment is archived before both of them take it
            stanza = estate.stanza(name)
            assert stanza is not None
            stanza.create()
        protect(estate)
        assert [one.error for one in restore_tests(estate) if one.error] == []
        save(calibration(), file_of(estate.state))
        yield RunningDesk(built, estate)
    finally:
        built.down()


def protect(estate: Estate) -> None:
    outcomes = [*back_up(estate), *replicate_all(estate)]
    assert [one.error for one in outcomes if one.error] == []


@pytest.fixture
def walled_desk() -> Iterator[RunningDesk]:
    try:
        version_of("pgbackrest")
    except MissingProgram as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="blackstart-cold-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        with running(Path(name)) as desk:
            yield desk


def test_the_desk_recovers_from_the_stanza_at_the_other_site_alone(walled_desk: RunningDesk) -> None:
    estate = walled_desk.estate
    predicted = foretold(estate)
    assert predicted.unproven == ()

    def tell(said: str) -> None:
        """A backup while the canary writes already, as a schedule would; then the site's own copy is gone."""
        if said.startswith("Lead"):
            wait_until(
                "an order of the canary",
                lambda: any(order.count("-orders-") for order in walled_desk.orders("primary")),
            )
            protect(estate)
            shutil.rmtree(walled_desk.desk.folder / "primary" / "stanza")

    confirm = preview(estate, "recover-cold").confirm
    run = drill.run(estate, "recover-cold", environment="demo", confirm=confirm, tell=tell)

    assert run.verdict == "met", run.report["reasons"]
    gone = lost(run)
    # the standby had every one of them: whoever finds none lost has used it
    assert gone == lost_by_brute_force(walled_desk, run)
    assert 0 < len(gone) < len(acknowledged(run))
    (point,), (time,) = run.report["recovery_points"], run.report["recovery_times"]
    assert 0 < point["lower_seconds"] <= point["upper_seconds"] < 3600
    steps = {event["detail"].get("step") for event in ledger(run) if event["kind"] == "event"}
    assert "load orders" in steps
    notes = (event["detail"] for event in events(run, "note"))
    held = next(note for note in notes if note.get("about") == "restores from backup")
    assert held["measured_seconds"].keys() == {"orders", "strategies", "ticks"}
    assert verify(walled_desk.plan.evidence.path, head=run.head).intact
    lost_of = f"lost {len(gone)} of {len(acknowledged(run))}"
    at_most = f"RTA at most {time['upper_seconds']:.2f} s, RPA {point['upper_seconds']:.2f} s"
    print(f"proof: cold from the stanza: {at_most}, {lost_of}")  # noqa: T201
    print(f"proof: restores predicted {predicted.by_dataset}, measured {held['measured_seconds']}")  # noqa: T201
