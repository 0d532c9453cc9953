"""A real HAProxy between two servers: who is let in, and what it says when it will not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sites.drivers import command
from sites.drivers.haproxy import HAProxy, RuntimeSocket
from sites.errors import RunbookError
from tests.drills.recorder.running import wait_for
from tests.sites.drivers.pairs import free_port

PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
SERVERS = {"primary": ("desk/primary",), "dr": ("desk/dr",)}
CONFIGURATION = """
global
  stats socket {socket} mode 600 level {level}
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend clients
  bind 127.0.0.1:{port}
  default_backend desk
backend desk
  server primary 127.0.0.1:{primary}
  server dr 127.0.0.1:{dr} disabled
"""


class Named(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = str(self.server.server_address[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, int]]:
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), Named) for name in ("primary", "dr")}
    for server in servers.values():
        Thread(target=server.serve_forever, daemon=True).start()
    yield {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


class Proxy:
    def __init__(self, folder: Path, backends: dict[str, int], level: str = "admin") -> None:
        if PROGRAM is None:
            pytest.skip("no haproxy here (apt-get install haproxy)")
        self.socket, self.port = folder / "s", free_port()
        configuration = folder / "haproxy.cfg"
        configuration.write_text(
            CONFIGURATION.format(socket=self.socket, level=level, port=self.port, **backends)
        )
        self.process = subprocess.Popen([PROGRAM, "-db", "-f", str(configuration)], stderr=subprocess.DEVNULL)
        assert wait_for(self.socket.exists)

    def redirect(self, servers: dict[str, tuple[str, ...]] | None = None) -> HAProxy:
        return HAProxy(RuntimeSocket(self.socket), servers or SERVERS)

    def served_by(self) -> int | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as reply:
                return int(reply.read())
        except urllib.error.HTTPError:
            return None

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def proxy(tmp_path: Path, backends: dict[str, int]) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path, backends)
    yield proxy
    proxy.close()


def test_clients_go_where_it_points_and_nowhere_else(proxy: Proxy, backends: dict[str, int]) -> None:
    redirect = proxy.redirect()
    assert (redirect.current(), proxy.served_by()) == ("primary", backends["primary"])
    for site in ("dr", "dr", "primary"):
        redirect.point_to(site, 5.0)
        assert (redirect.current(), proxy.served_by()) == (site, backends[site])


def test_it_says_its_version(proxy: Proxy) -> None:
    said = command.run(["haproxy", "-v"], limit_seconds=10).stdout
    assert proxy.redirect().runtime.version() in said


def test_two_sites_that_are_let_in_at_once_are_none(proxy: Proxy) -> None:
    proxy.redirect().runtime.order("set server desk/dr state ready", 5.0)
    assert proxy.redirect().current() is None


def test_a_connection_to_the_old_site_is_ended(proxy: Proxy, backends: dict[str, int]) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n")
        assert str(backends["primary"]).encode() in client.recv(65536)
        proxy.redirect().point_to("dr", 5.0)
        client.sendall(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n")
        assert str(backends["primary"]).encode() not in client.recv(65536)


@pytest.mark.parametrize("wrong", ["desk/nobody", "nowhere/dr"])
def test_a_server_that_it_does_not_know_is_told(proxy: Proxy, wrong: str) -> None:
    with pytest.raises(RunbookError, match=r"refused|knows no backend"):
        proxy.redirect({"primary": ("desk/primary",), "dr": (wrong,)}).point_to("dr", 5.0)


def test_a_socket_that_may_only_look_is_told(tmp_path: Path, backends: dict[str, int]) -> None:
    proxy = Proxy(tmp_path, backends, level="operator")
    try:
        with pytest.raises(RunbookError, match="Permission denied") as told:
            proxy.redirect().point_to("dr", 5.0)
        assert "level admin" in (told.value.hint or "")
        assert proxy.redirect().current() == "primary"
    finally:
        proxy.close()


def test_a_proxy_that_is_gone_is_told(proxy: Proxy) -> None:
    proxy.close()
    with pytest.raises(RunbookError, match="did not answer"):
        proxy.redirect().current()


def test_what_to_do_by_hand_is_what_it_does(proxy: Proxy) -> None:
    assert proxy.redirect().by_hand("dr").startswith('echo "set server desk/primary state maint" | socat ')
