"""A Prefect API that lets strangers in from elsewhere is refused: found out by asking as a stranger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.server import api_guard
from flows.server.api_guard import exposed, openness, refuse_open_api
from sites.errors import GuardError


@contextmanager
def api(host: str, status: int) -> Iterator[int]:
    """Something that answers like an API: 200 lets anybody in, 401 wants credentials."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def outward(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of this machine that is not 127.0.0.1, and counts as one that others reach."""
    monkeypatch.setattr(api_guard, "_own_addresses", lambda: ["127.0.0.2"])
    return "127.0.0.2"


@pytest.mark.usefixtures("outward")
def test_an_api_on_loopback_alone_is_fine() -> None:
    with api("127.0.0.1", 200) as port:
        url = f"http://127.0.0.1:{port}/api"
        assert openness(url) == "open"
        assert exposed(url) is None
        refuse_open_api({"PREFECT_API_URL": url})


def test_one_that_also_answers_elsewhere_is_refused(outward: str) -> None:
    with api("0.0.0.0", 200) as port, pytest.raises(GuardError, match=f"{outward}:{port}") as refused:
        refuse_open_api({"PREFECT_API_URL": f"http://localhost:{port}/api"})
    assert refused.value.exit_code == 2
    assert refused.value.hint is not None
    assert "127.0.0.1" in refused.value.hint


@pytest.mark.usefixtures("outward")
def test_one_that_wants_credentials_is_fine_anywhere() -> None:
    with api("0.0.0.0", 401) as port:
        url = f"http://127.0.0.1:{port}/api"
        assert openness(url) == "closed"
        assert exposed(url) is None


def test_one_at_another_machine_is_refused_when_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_guard, "_loopback", lambda _: False)
    with api("127.0.0.1", 200) as port:
        assert exposed(f"http://127.0.0.1:{port}/api") == (
            f"http://127.0.0.1:{port}/api answers without credentials"
        )


def test_a_dead_server_keeps_nobody_from_a_drill() -> None:
    refuse_open_api({"PREFECT_API_URL": "http://127.0.0.1:1/api"})
    assert openness("http://127.0.0.1:1/api") == "unreachable"
    assert openness("file:///etc/passwd") == "unreachable"


def test_no_loopback_address_is_taken_for_one_that_others_reach() -> None:
    assert all(not address.startswith("127.") and address != "::1" for address in api_guard._own_addresses())


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("192.0.2.7", False)]
)
def test_loopback_is_told_by_address_not_by_name(host: str, loopback: bool) -> None:
    assert api_guard._loopback(host) == loopback
