"""A first plan from a real PostgreSQL pair, a Patroni played by the test's server, and restic's variables."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.readiness.checks import exit_code
from flows.readiness.first_plan import first_plan
from sites.discovery import FoundStanza, Surroundings, look_around
from sites.plan import load
from tests.sites.drivers.conftest import pair as pair
from tests.sites.drivers.conftest import template as template
from tests.sites.drivers.pairs import LOOPBACK, PASSWORD, Pair
from tests.sites.repositories import PASSWORD as RESTIC_PASSWORD

NOWHERE = "http://127.0.0.1:9"


@contextmanager
def patroni_from_documentation(answer: bytes) -> Iterator[str]:
    """Answers `GET /cluster` in the form that Patroni's documentation gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/cluster" else 404)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = HTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    server.server_close()


def members(pair: Pair) -> bytes:
    roles = {"dr": "sync_standby", "primary": "leader"}
    found = [
        {"name": name, "role": role, "host": LOOPBACK, "port": pair.servers[name].settings.port}
        for name, role in roles.items()
    ]
    return json.dumps({"members": found, "scope": "desk"}).encode()


@pytest.fixture
def asked(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    variables = {"PGHOST": LOOPBACK, "PGPORT": str(pair.servers["primary"].settings.port)}
    for name, value in {**variables, "PGUSER": "blackstart", "PGPASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)
    for name in ("RESTIC_REPOSITORY", "RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    return pair


@pytest.mark.postgres
def test_what_is_found_and_holds_is_a_plan_that_passes_check(asked: Pair, tmp_path: Path) -> None:
    with patroni_from_documentation(members(asked)) as patroni:
        found = look_around(patroni=patroni)
    text, told = first_plan(found, tmp_path / "plan.yaml")
    assert exit_code(told) == 0, told
    (tmp_path / "plan.yaml").write_text(text)
    plan = load(tmp_path / "plan.yaml")
    assert list(plan.datasets) == ["desk"]
    assert "respond: observe" in text
    assert PASSWORD not in text


@pytest.mark.postgres
def test_what_does_not_hold_is_a_comment_with_the_reason(asked: Pair, tmp_path: Path) -> None:
    del asked
    found = look_around(patroni=NOWHERE)
    assert [server.standby for server in found.servers] == [False, True]
    text, told = first_plan(
        found, tmp_path / "plan.yaml"
    )  # the standby's port cannot be seen from the primary
    assert exit_code(told) == 0, told
    assert "  # desk:" in text.splitlines()
    assert "  #   kind: postgres" in text.splitlines()


def test_nothing_at_all_is_a_plan_too(tmp_path: Path) -> None:
    text, told = first_plan(
        Surroundings(units=("redis.service",), stanzas=(FoundStanza("main"),)), tmp_path / "plan.yaml"
    )
    assert exit_code(told) == 0
    assert "redis.service" in text
    assert "pgBackRest has these stanzas: main" in text


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"members":[{"name":"a"}]}', b"\xff"])
def test_what_answers_strangely_is_not_found(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with patroni_from_documentation(answer) as patroni:
        found = look_around({}, patroni)
    why = "program 'psql' is not installed"  # which is told, and no fact about servers
    assert found == Surroundings(user=found.user, unasked=why)


def test_a_repository_is_taken_from_restics_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", RESTIC_PASSWORD)
    found = look_around({"RESTIC_REPOSITORY": "/srv/r", "RESTIC_PASSWORD": RESTIC_PASSWORD}, NOWHERE)
    text, told = first_plan(found, tmp_path / "plan.yaml")
    assert exit_code(told) == 0
    assert RESTIC_PASSWORD not in text
    (tmp_path / "plan.yaml").write_text(text)
    assert load(tmp_path / "plan.yaml").repositories["existing"].url == "/srv/r"
