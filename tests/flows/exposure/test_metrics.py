"""Prometheus fetches the status itself; where that cannot be had it gets an error, never what was."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.exposure.metrics import TYPE, Metrics, server
from sites.errors import BlackstartError, SiteError
from tests.flows.plans import small_plan
from tests.sites.drivers.servers import free_port
from tests.sites.repositories import wait_until

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def serving(look: Callable[[], str], fresh_seconds: float = 60.0) -> Iterator[tuple[int, list[str]]]:
    complaints: list[str] = []
    with server(("127.0.0.1", 0), Metrics(look, fresh_seconds), complaints.append) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        try:
            yield found.server_address[1], complaints
        finally:
            found.shutdown()
            thread.join()


def get(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, str(answer.getheader("Content-Type")), answer.read().decode()
    finally:
        connection.close()


def test_a_look_is_served_while_it_is_fresh_and_then_made_anew() -> None:
    looks = iter(range(100))
    with serving(lambda: f"blackstart_good {next(looks)}\n") as (port, _):
        assert get(port) == (200, TYPE, "blackstart_good 0\n")
        assert get(port)[2] == "blackstart_good 0\n"
        assert get(port, method="HEAD") == (200, TYPE, "")
        assert get(port, "/")[0] == 404
    with serving(lambda: f"blackstart_good {next(looks)}\n", fresh_seconds=0.0) as (port, _):
        assert get(port)[2] != get(port)[2]


def test_a_look_that_fails_is_an_error_and_never_the_one_before() -> None:
    failing: list[BlackstartError] = []

    def look() -> str:
        if failing:
            raise failing[0]
        return "blackstart_good 1\n"

    with serving(look, fresh_seconds=0.0) as (port, complaints):
        assert get(port)[0] == 200
        failing.append(SiteError("the history is torn"))
        status, _, said = get(port)
        assert (status, said) == (503, "the status cannot be had: the history is torn\n")
        assert complaints == ["no metrics: the history is torn"]


def test_an_address_that_is_taken_is_named() -> None:
    with serving(str) as (port, _), pytest.raises(SiteError, match=f"127.0.0.1:{port}") as caught:
        server(("127.0.0.1", port), Metrics(str, 1.0), print)
    assert caught.value.hint is not None


def test_the_command_serves_the_status_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    port = free_port()
    argv = ["metrics", "--listen", f"127.0.0.1:{port}", "--plan", str(small_plan(tmp_path))]
    with subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *argv],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stderr is not None
        wait_until(lambda: "Serving" in process.stderr.readline())
        status, _, said = get(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert status == 200
    assert 'blackstart_exposure_exceeded{plan="small",dataset="documents"} 1' in said.splitlines()
