"""One Prefect server for all tests of the flows, with a worker for each pool where a test wants one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.server import local_server
from flows.server.local_server import LocalServer, empty_database
from tests.sites.repositories import make_template

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository whose key is cheap to derive."""
    return make_template(tmp_path_factory.mktemp("restic"))


@pytest.fixture(scope="session")
def busy_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, busy_port: int) -> Iterator[LocalServer]:
    """A server with schedules. The first port that it tries is taken, as may happen to anybody."""
    free_port = local_server._free_port
    ports = iter([busy_port])
    made = LocalServer(
        tmp_path_factory.mktemp("prefect"),
        empty_database=empty_database(ROOT / ".blackstart"),
        schedules=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_server, "_free_port", lambda: next(ports, None) or free_port())
        made.start()
    yield made
    made.stop()


@pytest.fixture
def client_of(server: LocalServer) -> Iterator[LocalServer]:
    """Makes this process a client of the server, for flows that are called as functions."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    # the thread that sends heartbeats is waited for at the end of every flow: a second each
    with temporary_settings(
        {PREFECT_API_URL: server.settings["PREFECT_API_URL"], PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    ):
        yield server
