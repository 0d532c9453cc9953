"""What every client of a canary must do, whatever it writes through: the fake included.

A new kind adds its arena to `ARENAS`: a client of run RUN, a way to take away what it writes to (so that an
operation fails or hangs, but never raises), and whether such an operation has provably not been executed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from drills.clients import in_turns
from drills.payload import digest, payload
from drills.turns import TakingTurns
from sites.capability import Client, Outcome, ReadBack
from sites.drivers.http.client import HttpCanary, HttpClient
from sites.drivers.marks import MarkedFolder, MarksClient
from sites.drivers.postgres.canary import PostgresCanary
from sites.drivers.s3.canary import BucketPlace, MarkedBucket, ObjectMarksClient
from sites.drivers.shell import ShellClient, ShellCommands
from sites.errors import DatasetError
from sites.secret import Secret
from tests.fakes.orders import OrdersService
from tests.sites.drivers.pairs import LOOPBACK, PASSWORD, Pair
from tests.sites.drivers.servers import SECRET, USER, s3_server

T = TypeVar("T")
RUN = "3f9a12c4-6f0e-4b8e-9d2a-000000000001"
OTHER_RUN = "77777777-6f0e-4b8e-9d2a-000000000001"
LIMIT_SECONDS = 5.0
WRITE = 'test -d "$1" || exit 69; cat > "$1/$BLACKSTART_STREAM.$BLACKSTART_NUMBER"; echo "$1"'
DELETE = 'test -d "$1" || exit 69; rm "$1/$BLACKSTART_STREAM.$BLACKSTART_NUMBER"'
READ = """
cd "$1" || exit 1
for each in "$BLACKSTART_STREAM".*; do
  test -e "$each" || continue
  count=$((count + 1)); echo "${each##*.} $(cat "$each")"
done
echo "END ${count:-0}"
"""


class FakeClient:
    """A client of rows in memory."""

    def __init__(self, rows: dict[tuple[str, str, int], bytes], run: str, up: list[bool]) -> None:
        self._rows, self._run, self._up = rows, run, up

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        if not self._up[-1]:
            return Outcome("failed", "refused")
        self._rows[self._run, stream, number] = payload
        return Outcome("acknowledged", "kept", "memory")

    async def delete(self, stream: str, number: int) -> Outcome:
        if not self._up[-1]:
            return Outcome("failed", "refused")
        del self._rows[self._run, stream, number]
        return Outcome("acknowledged", "gone", "memory")

    async def read_back(self, stream: str) -> ReadBack:
        if not self._up[-1]:
            raise DatasetError("nobody is there")
        rows = [
            (n, digest(data)) for (run, s, n), data in self._rows.items() if (run, s) == (self._run, stream)
        ]
        return ReadBack(rows, len(rows), end=True, address="memory")

    async def aclose(self) -> None:
        return


@dataclass
class Arena:
    """`open` makes a client of a run, on the running loop; `lose` takes away what is written to."""

    open: Callable[[str], Client]
    lose: Callable[[], object]
    close: Callable[[], object] = field(default=lambda: None)


def fake(_: Path) -> Arena:
    rows: dict[tuple[str, str, int], bytes] = {}
    up = [True]
    return Arena(lambda run: FakeClient(rows, run, up), lambda: up.append(False))


def http(_: Path, *, clients: int = 1, pooled: bool = False) -> Arena:
    service = OrdersService()
    service.keep_alive = pooled

    def one(run: str) -> Client:
        return HttpClient(HttpCanary(service.url, pooled=pooled), run=run, limit_seconds=LIMIT_SECONDS)

    def some(run: str) -> Client:
        return TakingTurns([one(run) for _ in range(clients)])

    return Arena(one if clients == 1 else some, service.refuse, service.close)


def http_pooled_in_turns(folder: Path) -> Arena:
    return http(folder, clients=3, pooled=True)


def files(folder: Path) -> Arena:
    data = folder / "data"
    data.mkdir()
    marked = MarkedFolder(data, data)
    return Arena(
        lambda run: MarksClient(marked, run=run, limit_seconds=LIMIT_SECONDS, workers=4),
        lambda: shutil.rmtree(data),
    )


def objects(folder: Path) -> Arena:
    """On `rclone serve s3`; what is written is its own replica."""
    (folder / "buckets" / "ticks").mkdir(parents=True)
    for name, value in (("id", USER), ("key", SECRET)):
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    running = ExitStack()
    port = running.enter_context(s3_server(folder / "buckets"))
    keys = (Secret(file=folder / "id"), Secret(file=folder / "key"))
    place = BucketPlace("ticks", f"http://127.0.0.1:{port}", "us-east-1", "desk/", *keys)
    marked = MarkedBucket(place, place)
    return Arena(
        # one at a time: rclone forgets some of several keys that are the first of a folder
        lambda run: ObjectMarksClient(marked, run=run, limit_seconds=LIMIT_SECONDS, workers=1),
        running.close,
        running.close,
    )


def shell(folder: Path) -> Arena:
    data = folder / "data"
    data.mkdir()

    def script(text: str) -> tuple[str, ...]:
        return "sh", "-c", text, "sh", str(data)

    commands = ShellCommands(write=script(WRITE), read=script(READ), delete=script(DELETE))
    return Arena(
        lambda run: ShellClient(commands, run=run, limit_seconds=LIMIT_SECONDS, workers=8),
        lambda: shutil.rmtree(data),
    )


def postgres(pair: Pair, *, clients: int = 1, pooled: bool = False) -> Arena:
    """Looked for among its servers, the standby first: it takes no writes."""
    ports = [pair.servers[site].settings.port for site in ("dr", "primary")]
    addresses = tuple(f"{LOOPBACK}:{port}" for port in ports)
    told = PostgresCanary(addresses, "desk", "blackstart", Secret(env="PG_OF_TEST"), pooled)
    asyncio.run(told.open(run="", limit_seconds=LIMIT_SECONDS).prepare())

    def one(run: str) -> Client:
        return told.open(run=run, limit_seconds=LIMIT_SECONDS)

    return Arena(lambda run: in_turns(clients, lambda: one(run)), pair.kill)


def postgres_pooled_in_turns(pair: Pair) -> Arena:
    return postgres(pair, clients=3, pooled=True)


ARENAS = (fake, http, http_pooled_in_turns, files, objects, shell)
ARENAS_OF_A_PAIR = (postgres, postgres_pooled_in_turns)


@pytest.fixture(params=[*ARENAS, *ARENAS_OF_A_PAIR], ids=lambda make: make.__name__)
def arena(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arena]:
    monkeypatch.setenv("PG_OF_TEST", PASSWORD)
    paired = request.param in ARENAS_OF_A_PAIR
    made: Arena = request.param(request.getfixturevalue("new_pair")() if paired else tmp_path)
    yield made
    made.close()


def use(arena: Arena, act: Callable[[Client], Awaitable[T]], run: str = RUN) -> T:
    async def whole() -> T:
        client = arena.open(run)
        try:
            return await act(client)
        finally:
            await client.aclose()

    return asyncio.run(whole())


async def write(client: Client, numbers: range, stream: str = "orders") -> list[str]:
    written = [client.write(stream, n, payload(7, stream, n)) for n in numbers]
    return [outcome.result for outcome in await asyncio.gather(*written)]


def rows(stream: str, numbers: range) -> list[tuple[int, str]]:
    return [(n, digest(payload(7, stream, n))) for n in numbers]


def test_what_was_acknowledged_is_read_back_word_for_word(arena: Arena) -> None:
    async def act(client: Client) -> ReadBack:
        assert await write(client, range(12)) == ["acknowledged"] * 12
        return await client.read_back("orders")

    found = use(arena, act)

    assert sorted(found.rows) == rows("orders", range(12))
    assert (found.count, found.end) == (12, True)


def test_a_reading_names_the_server_that_the_writes_named_or_none(arena: Arena) -> None:
    """Else the judge takes it for one of a server that served no client."""

    async def act(client: Client) -> None:
        written = await client.write("orders", 1, payload(7, "orders", 1))
        found = await client.read_back("orders")
        # marks are read where their dataset was restored, which is another place
        assert found.address in {None, written.address} or isinstance(client, MarksClient)

    use(arena, act)


def test_nothing_written_is_a_whole_reading_of_nothing(arena: Arena) -> None:
    found = use(arena, lambda client: client.read_back("orders"))
    assert (found.rows, found.count, found.end) == ([], 0, True)


def test_streams_and_runs_are_kept_apart(arena: Arena) -> None:
    async def both(client: Client) -> None:
        await write(client, range(3))
        await write(client, range(5), "orders-old")

    use(arena, both)
    use(arena, lambda client: write(client, range(7)), OTHER_RUN)

    found = {stream: use(arena, lambda c, s=stream: c.read_back(s)) for stream in ("orders", "orders-old")}
    assert sorted(found["orders"].rows) == rows("orders", range(3))
    assert found["orders"].count == 3
    assert sorted(found["orders-old"].rows) == rows("orders-old", range(5))


def test_a_deleted_write_is_gone(arena: Arena) -> None:
    async def act(client: Client) -> ReadBack:
        await write(client, range(4))
        assert (await client.delete("orders", 2)).result == "acknowledged"
        return await client.read_back("orders")

    found = use(arena, act)

    assert [number for number, _ in sorted(found.rows)] == [0, 1, 3]
    assert found.count == 3


def test_a_large_payload_comes_back_whole(arena: Arena) -> None:
    data = payload(7, "orders", 0, size_bytes=65536)

    async def act(client: Client) -> ReadBack:
        assert (await client.write("orders", 0, data)).result == "acknowledged"
        return await client.read_back("orders")

    assert use(arena, act).rows == [(0, digest(data))]


def test_what_is_lost_fails_with_a_cause_and_cannot_be_read(arena: Arena) -> None:
    async def act(client: Client) -> list[Outcome]:
        await write(client, range(2))
        arena.lose()
        outcomes = [await client.write("orders", 2, b"x"), await client.delete("orders", 1)]
        with pytest.raises(DatasetError):
            await client.read_back("orders")
        return outcomes

    outcomes = use(arena, act)

    assert [outcome.result for outcome in outcomes] == ["failed", "failed"]
    assert all(outcome.cause for outcome in outcomes)
