"""The whole desk: up, serving, failed over, down, and nothing of it left behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import desk as desks
import psycopg
import pytest

from sites.drivers import command
from sites.errors import SiteError
from tests.examples.conftest import DESK, call, listed, open_folder
from tests.sites.drivers.waiting import wait_until

REPOSITORY = DESK.parents[1]


@pytest.fixture
def place() -> Iterator[Path]:
    folder = open_folder()
    yield folder / "desk"
    shutil.rmtree(folder)


@pytest.fixture
def desk(place: Path) -> Iterator[desks.Desk]:
    made = desks.build(place, {**os.environ, "BLACKSTART_EVIDENCE": str(place / "evidence")})
    yield made
    made.down()


def processes_of(folder: Path) -> list[str]:
    """Command lines of all processes that were told of the folder, or are in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = (process / "cwd").readlink().is_relative_to(folder)
        except OSError:  # it has just ended
            continue
        if (inside or str(folder) in line) and int(process.name) != os.getpid():
            found.append(f"{process.name} {line}")
    return found


def listening_on(port: int) -> set[str]:
    """The local addresses that listen on a port, as the kernel writes them."""
    tables = (Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [row.split() for table in tables for row in table.splitlines()]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")}


def gate(desk: desks.Desk) -> tuple[int, dict[str, object]]:
    declared = desk.plan.services["engine"].gate
    assert declared is not None
    env = {"BLACKSTART_SITE": "dr"}
    done = command.run(declared.command, env=env, limit_seconds=20, cwd=DESK, ok_codes=(0, 1, 2))
    return done.exit_code, json.loads(done.stdout)


def port(desk: desks.Desk, name: str) -> int:
    return int(desk.variables[f"{name}_PORT"])


def test_a_desk_serves_survives_the_loss_of_its_primary_and_leaves_nothing_running(desk: desks.Desk) -> None:
    desk.up()
    ports = {name: port(desk, name) for name in desks.SERVERS}
    listening = {name: listening_on(number) for name, number in ports.items()}
    assert listening.pop("DR_GATEWAY") == set(), "it starts when its site takes over"
    assert all(where == {"0100007F"} for where in listening.values()), "the loopback alone"
    assert call(ports["PUBLIC"], "POST", "/orders", {"client_order_id": "a-1"}).status == 201
    assert list(desk.estate().site("dr").running()) == ["postgres"]
    wait_until("the strategies trade", lambda: call(ports["VENUE"], "GET", "/health").content["orders"] > 1)

    assert desk.estate().site("primary").kill().holds
    desk.estate().postgres("orders").promote("dr", limit_seconds=20)
    desk.estate().site("dr").start("gateway")
    new = desk.folder / "endpoint.new"
    new.write_text(f"127.0.0.1:{ports['DR_GATEWAY']}\n")
    new.replace(desk.folder / "endpoint")
    names = (f"b-{secrets.token_hex(4)}" for _ in range(10_000))
    wait_until("it serves from the other site", lambda: accepted(ports["PUBLIC"], next(names)))
    assert listed(call(ports["PUBLIC"], "GET", "/orders?prefix=a-"))["a-1"]["status"] == "sent"
    assert gate(desk)[0] == 0
    call(ports["VENUE"], "POST", "/orders", {"client_order_id": "planted-1"})
    code, said = gate(desk)
    assert (code, said["unknown"]) == (1, ["planted-1"])
    with pytest.raises(SiteError, match="failed over"):
        desk.up()

    desk.down()
    deadline = time.monotonic() + 10  # what was ended may still be leaving
    while (left := processes_of(desk.folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    assert all(not listening_on(number) for number in ports.values())


def accepted(public: int, order: str) -> bool:
    try:
        return call(public, "POST", "/orders", {"client_order_id": order}).status == 201
    except OSError:
        return False


def test_secrets_are_for_their_owner_alone_and_nowhere_else(desk: desks.Desk) -> None:
    files = list((desk.folder / "secrets").iterdir())
    assert {path.name for path in files} == {*desks.SECRETS, "evidence.pem"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert desk.plan.datasets["orders"].backup is not None
    shown = json.dumps(dict(desk.plan.variables)) + "".join(processes_of(desk.folder))
    logs = "".join(path.read_text() for path in desk.folder.glob("*/logs/*.log"))
    for path in files:
        assert path.read_text().strip() not in shown + logs
    with pytest.raises(SiteError, match="one is there"):
        desks.build(desk.folder)


def test_a_desk_is_lost_with_the_process_that_runs_it(place: Path) -> None:
    log = place.parent / "log"
    pid = command.spawn(
        [sys.executable, DESK / "desk.py", "up", place, "--asynchronous"],
        stdout=log,
        env={"PYTHONPATH": str(REPOSITORY), "BLACKSTART_EVIDENCE": str(place / "evidence")},
    )
    try:
        wait_until("it is up", lambda: "VENUE_PORT" in log.read_text(), limit_seconds=60)
        desk = desks.find(place)
        assert desk.plan.datasets["orders"].synchronous is False  # type: ignore[union-attr]
        assert waits_for(desk) == ""
        assert call(port(desk, "PUBLIC"), "POST", "/orders", {"client_order_id": "a-1"}).status == 201
    finally:
        os.kill(pid, signal.SIGKILL)
    wait_until("nothing of it is left", lambda: not processes_of(place))


def waits_for(desk: desks.Desk) -> str:
    password = (desk.folder / "secrets" / "blackstart").read_text().strip()
    where = {"host": "127.0.0.1", "port": port(desk, "PRIMARY_PG"), "dbname": "desk", "user": "blackstart"}
    with psycopg.connect(password=password, **where) as connection:
        row = connection.execute("SHOW synchronous_standby_names").fetchone()
    assert row is not None
    return str(row[0])


def test_there_is_nothing_to_take_down_where_no_desk_was_built(place: Path) -> None:
    done = command.run(
        [sys.executable, DESK / "desk.py", "down", place],
        limit_seconds=20,
        ok_codes=(1,),
        env={"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stderr.splitlines() == [f"there is no desk in {place}", "hint: `desk.py up` builds one"]


@pytest.mark.campaign
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_takes_down_what_it_brought_up(place: Path, number: signal.Signals) -> None:
    argv = [sys.executable, str(DESK / "desk.py"), "up", str(place)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "BLACKSTART_EVIDENCE" not in process.stdout.readline():
            assert process.poll() is None
        assert processes_of(place)
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    assert processes_of(place) == []
