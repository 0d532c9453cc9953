"""`blackstart watch`: what it prints, whom it tells, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from flows.options import estate_of
from flows.recovery import approval_run, watching
from sites.errors import BlackstartError, GuardError
from tests.flows.exposure.test_telling import Listener
from tests.sites.drivers.pairs import free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def plan_of(folder: Path, port: int, decide: str = "notify") -> Path:
    address = folder / "address"
    address.write_text(f"json://127.0.0.1:{port}/")
    address.chmod(0o600)
    site = {"kind": "processes", "processes": {"web": {"command": ["sleep", "60"]}}}
    plan = {
        "name": "watched",
        "environment": "test",
        "sites": {name: {**site, "path": name} for name in ("here", "there")},
        "services": {
            "web": {"endpoint": f"http://127.0.0.1:{free_port()}", "check": {"kind": "http", "path": "/"}}
        },
        "notify": {"to": [{"file": str(address)}]},
        "failover": {
            "from": "here",
            "to": "there",
            "decide": decide,
            "vantages": {"near": {"kind": "process"}, "far": {"kind": "command", "command": ["false"]}},
            "detect": {"every": "1ms", "refused": 2, "silent": 2},
        },
    }
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(plan))
    return path


def test_people_are_told_and_the_way_out_is_named(tmp_path: Path, listener: Listener) -> None:
    stop, told, complaints = threading.Event(), [], []  # type: ignore[var-annotated]

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith("No failover"):
            stop.set()

    run = watching.perform(
        estate_of(plan_of(tmp_path, listener.port)),
        environment="test",
        tell=tell,
        complain=complaints.append,
        stop=stop,
    )
    assert (run, complaints) == (None, [])
    assert told[0].startswith("Watching: one look every 0.001 s")
    assert "2 of 2 vantages (far, near)" in told[0]
    titles = [message["title"] for message in listener.messages]
    assert titles == ["watched (test): the service", "watched (test): no failover"]
    assert "seen from far, near" in listener.messages[0]["message"]
    assert "next: blackstart failover" in listener.messages[1]["message"]


def test_a_message_that_nobody_took_is_complained_of(tmp_path: Path, listener: Listener) -> None:
    stop, complaints = threading.Event(), []  # type: ignore[var-annotated]
    listener.status = 500

    def tell(line: str) -> None:
        if line.startswith("No failover"):
            stop.set()

    estate = estate_of(plan_of(tmp_path, listener.port))
    watching.perform(estate, environment="test", tell=tell, complain=complaints.append, stop=stop)
    assert complaints[0].startswith("not told: address 1 (json:)")


def test_each_question_is_put_to_people_by_prefect_too_and_its_absence_is_complained_of(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, asked, complaints = threading.Event(), [], []  # type: ignore[var-annotated]

    def start(deployment: str) -> None:
        asked.append(deployment)
        raise BlackstartError("no server", hint="blackstart approve")

    def tell(line: str) -> None:
        if line.startswith("A decision"):
            stop.set()  # withdraws the question

    monkeypatch.setattr(approval_run, "start", start)
    estate = estate_of(plan_of(tmp_path, listener.port, "approval"))
    watching.perform(
        estate,
        environment="test",
        tell=tell,
        complain=complaints.append,
        stop=stop,
        approvals="trading-desk",
    )
    assert asked == ["trading-desk"]
    assert complaints == ["not asked by Prefect: no server; blackstart approve"]


def test_the_environment_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(GuardError, match='the environment is "test"'):
        watching.perform(
            estate_of(plan_of(tmp_path, 1)),
            environment=None,
            tell=print,
            complain=print,
            stop=threading.Event(),
        )


def test_told_to_end_it_ends_and_has_changed_nothing(tmp_path: Path, listener: Listener) -> None:
    argv = ["watch", "--environment", "test", "--json", "--plan", str(plan_of(tmp_path, listener.port))]
    with subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as watch:
        assert watch.stderr is not None
        assert watch.stdout is not None
        while "No failover" not in watch.stderr.readline():
            assert watch.poll() is None
        watch.send_signal(signal.SIGTERM)
        said = watch.stdout.read()
        assert watch.wait(30) == 0
    assert json.loads(said)["run"] is None
