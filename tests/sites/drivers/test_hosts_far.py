"""A host that is far away: a kill costs one round trip, and not one for each thing that has to be done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.hosts.host import Host
from sites.drivers.hosts.site import HostsSite
from tests.sites.sshd import LOOPBACK, know, one_sshd, sleeper, why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.campaign,
]
ONE_WAY_SECONDS = 0.15


class Relay:
    """Bytes to a port and back, each way as late as on a long line."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._loop = asyncio.new_event_loop()
        self.port = 0
        up = threading.Event()
        threading.Thread(target=self._run, args=(up,), daemon=True).start()
        assert up.wait(10)

    def _run(self, up: threading.Event) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._connected, LOOPBACK, 0)
            self.port = server.sockets[0].getsockname()[1]
            up.set()
            await server.serve_forever()

        self._loop.run_until_complete(serve())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(LOOPBACK, self._to)
        await asyncio.gather(self._carry(reader, there_writer), self._carry(there_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1 << 16):
            self._loop.call_later(ONE_WAY_SECONDS, writer.write, chunk)
        self._loop.call_later(ONE_WAY_SECONDS, writer.close)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[HostsSite]:
    server = one_sshd()
    relay = Relay(server.port)
    known = tmp_path / "far"
    known.mkdir()
    (known / "host_key.pub").write_bytes((server.folder / "host_key.pub").read_bytes())
    know(known, relay.port, "host_key")
    address = replace(server.address(), port=relay.port, known_hosts=known / "known_hosts")
    processes = {name: sleeper(tmp_path, name, "a") for name in ("alpha", "beta", "gamma")}
    site = HostsSite("north", {"a": Host("a", address)}, processes)
    yield site
    site.kill()
    site.hosts["a"].hang_up()


def test_campaign_of_a_kill_over_a_long_line(far: HostsSite) -> None:
    round_trip = 2 * ONE_WAY_SECONDS
    far.up()
    began = time.monotonic()
    far.running()
    asked = time.monotonic() - began
    assert far.targets()

    began = time.monotonic()
    proof = far.kill()
    took = time.monotonic() - began

    assert proof.holds, proof
    trips = f"in {took / round_trip:.2f} round trips, a status in {asked / round_trip:.2f}"
    print(f"proof: hosts: {round_trip * 1000:.0f} ms away: three killed and proven gone {trips}")  # noqa: T201
    assert round_trip <= took < 2 * round_trip
