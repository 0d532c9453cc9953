"""From a plan's words to the recorder's streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drills.arrangement import arrange
from drills.recorder.config import RecorderConfig, StreamConfig
from sites.drivers.http.client import HttpCanary
from sites.drivers.http.probe import HttpControl
from sites.drivers.marks import MarkedFolder
from sites.drivers.shell import ShellCommands
from sites.estate import Estate
from sites.plan import load
from sites.secret import Secret
from tests.sites.plan.conftest import DESK, EXAMPLES

CANARY = "{kind: http, service: gateway, dataset: orders, rate: 100/s, limit: 2s}"
Arrange = Callable[[str, str], dict[str, StreamConfig]]


@pytest.fixture
def arranged(tmp_path: Path) -> Arrange:
    """The streams, by role, of the trading desk's drill with another canary and more keys.

    They come from the JSON that the recorder is told.
    """

    def of(canary: str, more: str) -> dict[str, StreamConfig]:
        text = (EXAMPLES / "trading_desk" / "plan.yaml").read_text()
        assert text.count(CANARY) == 1
        path = tmp_path / "plan.yaml"
        path.write_text(text.replace(CANARY, canary + "".join(f"\n    {line}" for line in more.splitlines())))
        estate = Estate(load(path, DESK))
        drill = estate.plan.drills["kill-primary"]
        told = arrange(estate, "kill-primary", drill, run="1" * 36, seed=1, folder=tmp_path, calibration=None)
        config = RecorderConfig.model_validate_json(told.model_dump_json())
        assert config == told
        return {stream.role: stream for stream in config.streams}

    return of


def test_an_http_canary_writes_at_both_addresses(arranged: Arrange) -> None:
    pooled = CANARY.replace(
        "limit: 2s", "limit: 2s, connections: pooled, clients: 3, payload: 200, delete_one_in: 5"
    )
    streams = arranged(pooled, "")

    clients, old = streams["clients"], streams["old_primary"]
    assert set(streams) == {"clients", "old_primary"}
    assert isinstance(clients.client, HttpCanary)
    assert isinstance(old.client, HttpCanary)
    assert (clients.address, old.address) == ("http://127.0.0.1:5002", "http://127.0.0.1:5003")
    assert (clients.client.pooled, clients.clients, clients.payload_bytes) == (True, 3, 200)
    assert (clients.delete_one_in, old.delete_one_in) == (5, None)


def test_a_shell_canary_holds_references_to_secrets(arranged: Arrange) -> None:
    shell = CANARY.replace(
        "kind: http", "kind: shell, by_site: true, write: [w, a], read: [r], env: {P: {env: DESK_P}}"
    )
    streams = arranged(shell.replace("100/s", "10/s"), "")

    client, old = streams["clients"].client, streams["old_primary"].client
    assert isinstance(client, ShellCommands)
    assert isinstance(old, ShellCommands)
    assert (client.write, client.read, client.delete) == (("w", "a"), ("r",), None)
    assert (client.site, old.site) == ("", "primary")
    assert (client.address, old.address) == ("http://127.0.0.1:5002", "http://127.0.0.1:5003")
    assert client.env == {"P": Secret(env="DESK_P")}


def test_marks_and_a_control_are_streams_of_their_own(arranged: Arrange) -> None:
    more = 'marks: [{kind: files, dataset: strategies, rate: 2/s}]\ncontrol: "http://127.0.0.1:1/ping"'
    streams = arranged(CANARY, more)

    marks, control = streams["marks"], streams["control"]
    assert isinstance(marks.client, MarkedFolder)
    assert marks.client.folder != marks.client.restored
    assert (marks.name, marks.dataset, marks.service) == ("strategies", "strategies", None)
    assert marks.interval_ns == 500_000_000
    assert (control.name, control.client) == ("CONTROL", HttpControl("http://127.0.0.1:1/ping"))
