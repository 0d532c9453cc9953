"""The programs of the trading desk, run as they are run for real, on a real PostgreSQL."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sites.drivers.postgres.configuration import ServerSettings
from sites.drivers.postgres.programs import find_programs, unprivileged_user
from sites.drivers.postgres.roles import arm
from sites.drivers.postgres.server import PostgresServer
from sites.drivers.processes.readiness import TcpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec

DESK = Path(__file__).parents[2] / "examples" / "trading_desk"
sys.path.insert(0, str(DESK))

from order_book import TABLE  # noqa: E402  found only after the line above
from ports import free_ports  # noqa: E402

PASSWORD = "planted-secret-of-the-database"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content: dict[str, Any]
    served_by: str | None


def call(
    port: int, method: str, path: str, content: object = None, limit_seconds: float = 10.0, text: str = ""
) -> Reply:
    """One request on a connection of its own. OSError or HTTPException as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_seconds)
    try:
        connection.request(method, path, text or json.dumps(content or {}))
        response = connection.getresponse()
        return Reply(response.status, json.loads(response.read()), response.headers["X-Served-By"])
    finally:
        connection.close()


def listed(reply: Reply, key: str = "client_order_id") -> dict[str, dict[str, Any]]:
    assert reply.status == 200
    assert reply.content["end"] is True
    assert reply.content["count"] == len(reply.content["orders"])
    return {row[key]: row for row in reply.content["orders"]}


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server of these tests."""

    made: PostgresServer
    process: str

    @property
    def port(self) -> int:
        return self.made.settings.port

    def run(self, statement: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As the administrator, with commits that wait for nobody."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user="postgres",
            password=PASSWORD,
            autocommit=True,
            options="-c synchronous_commit=local",
        ) as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True, slots=True)
class Book:
    """A database of its own, with the table of orders."""

    server: Server
    name: str

    @property
    def conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.server.port} dbname={self.name} user=postgres"

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.server.run(statement, *values, database=self.name)

    def put(self, order: str, status: str, session: str = "earlier") -> None:
        self.run("INSERT INTO orders VALUES (%s, '', %s, %s)", order, status, session)

    def status(self, order: str) -> str | None:
        rows = self.run("SELECT status FROM orders WHERE client_order_id = %s", order)
        return rows[0][0] if rows else None


class Programs:
    """Starts programs of the desk and returns the port that each listens on."""

    def __init__(self, site: ProcessSite, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self._numbers = count(1)
        self._names: dict[int, str] = {}

    def start(self, program: str, *arguments: object, port: int) -> int:
        name = f"{program}-{next(self._numbers)}"
        command = (sys.executable, str(DESK / f"{program}.py"), "--port", str(port), *map(str, arguments))
        ready = TcpReady(f"127.0.0.1:{port}")
        self.site.launch(name, ProcessSpec(command, ready=ready, cwd=DESK))
        self._names[port] = name
        return port

    def venue(self, *arguments: object, book: Path | None = None) -> int:
        file = book or self.folder / f"venue-{next(self._numbers)}"
        return self.start("venue", "--book", file, *arguments, port=free_ports(1)[0])

    def gateway(self, book: Book, venue: int, site: str = "primary") -> int:
        where = ("--site", site, "--database", book.conninfo, "--venue", f"127.0.0.1:{venue}")
        return self.start("gateway", *where, "--password-file", self.password_file, port=free_ports(1)[0])

    def stop(self, port: int) -> None:
        self.site.stop(self._names.pop(port))

    def stop_all(self) -> None:
        for port in list(self._names):
            self.stop(port)


def open_folder() -> Path:
    """A new folder that PostgreSQL's user can enter; pytest's own are closed to everybody else.

    In memory where there is enough of it: a busy disk holds every commit up, and no test here needs one.
    """
    memory, disk = Path("/dev/shm"), Path("/var/tmp")  # noqa: S108  mkdtemp makes a folder of our own there
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    made = Path(tempfile.mkdtemp(prefix="blackstart-", dir=memory if roomy else disk))
    made.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    made = open_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[ProcessSite]:
    made = ProcessSite("tests", folder / "site", until_pid=os.getpid())
    made.up()
    yield made
    made.kill()


@pytest.fixture(scope="session")
def server(folder: Path, site: ProcessSite) -> Server:
    settings = ServerSettings("primary", free_ports(1)[0])
    made = PostgresServer(
        settings, data=folder / "pgdata", programs=find_programs(), user=unprivileged_user()
    )
    made.create_primary(admin_password=PASSWORD)
    site.launch("postgres", made.process())
    return Server(made, "postgres")


@pytest.fixture(scope="session")
def standby(folder: Path, site: ProcessSite, server: Server) -> Server:
    arm(
        ("127.0.0.1", server.port),
        admin_password=PASSWORD,
        database="desk",
        user="blackstart",
        password=PASSWORD,
        replication_password=PASSWORD,
    )
    server.run(TABLE, database="desk")
    settings = ServerSettings("dr", free_ports(1)[0])
    made = PostgresServer(
        settings, data=folder / "standby", programs=server.made.programs, user=server.made.user
    )
    made.create_standby(primary=("127.0.0.1", server.port), slot="dr", replication_password=PASSWORD)
    site.launch("standby", made.process())
    return Server(made, "standby")


@pytest.fixture
def programs(site: ProcessSite, tmp_path: Path) -> Iterator[Programs]:
    made = Programs(site, tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def make_book(server: Server) -> Callable[[], Book]:
    def make() -> Book:
        book = Book(server, f"desk_{secrets.token_hex(4)}")
        server.run(f"CREATE DATABASE {book.name}")
        book.run(TABLE)
        return book

    return make


@pytest.fixture
def book(make_book: Callable[[], Book]) -> Book:
    return make_book()
