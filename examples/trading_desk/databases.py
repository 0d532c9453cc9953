"""The desk's PostgreSQL: a primary, its standby at the other site, and who may do what."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg
from order_book import TABLE
from psycopg import sql

from sites.drivers.postgres_configuration import ServerSettings
from sites.drivers.postgres_programs import PostgresPrograms
from sites.drivers.postgres_roles import arm
from sites.drivers.postgres_server import ADMIN, PostgresServer
from sites.drivers.processes import ProcessSite
from sites.errors import DatasetError

LOOPBACK = "127.0.0.1"
DATABASE = "desk"
OWNER = "blackstart"
GATEWAY = "gateway"
STARTING_SECONDS_MAX = 20.0


def create(
    sites: Mapping[str, ProcessSite],
    ports: Mapping[str, int],
    secrets: Mapping[str, str],
    programs: PostgresPrograms,
    user: str | None,
    *,
    synchronous: bool,
) -> None:
    """Make both servers and leave them running, each as process "postgres" of its site, which is up.

    Commits wait for the standby if `synchronous`. Raises a BlackstartError.
    """
    waits_for = "FIRST 1 (dr)" if synchronous else ""
    primary = _server(sites["primary"], ports["primary"], programs, user, waits_for)
    primary.create_primary(admin_password=secrets["admin"])
    sites["primary"].start("postgres")
    address = (LOOPBACK, ports["primary"])
    _arm_once_started(address, secrets)
    _add_gateway(ports["primary"], secrets)
    standby = _server(sites["dr"], ports["dr"], programs, user, "")
    standby.create_standby(primary=address, slot="dr", replication_password=secrets["replicator"])
    sites["dr"].start("postgres")


def _server(
    site: ProcessSite, port: int, programs: PostgresPrograms, user: str | None, waits_for: str
) -> PostgresServer:
    settings = ServerSettings(site.name, port, synchronous_standbys=waits_for)
    return PostgresServer(settings, data=site.path / "pgdata", programs=programs, user=user)


def _arm_once_started(address: tuple[str, int], secrets: Mapping[str, str]) -> None:
    """A server takes connections a moment before it lets anybody in."""
    deadline = time.monotonic() + STARTING_SECONDS_MAX
    while True:
        try:
            arm(
                address,
                admin_password=secrets["admin"],
                database=DATABASE,
                user=OWNER,
                password=secrets["blackstart"],
                replication_password=secrets["replicator"],
            )
        except DatasetError as error:
            if "starting up" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _add_gateway(port: int, secrets: Mapping[str, str]) -> None:
    """The gateway's own role, which may use the table of orders and nothing else."""
    with psycopg.connect(
        host=LOOPBACK,
        port=port,
        dbname=DATABASE,
        user=ADMIN,
        password=secrets["admin"],
        options="-c synchronous_commit=local",  # the standby is yet to come
    ) as connection:
        verifier = connection.pgconn.encrypt_password(
            secrets["gateway"].encode(), GATEWAY.encode(), b"scram-sha-256"
        )
        role = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(role.format(sql.Identifier(GATEWAY), sql.Literal(verifier.decode())))
        connection.execute(TABLE)
        connection.execute("GRANT SELECT, INSERT, UPDATE ON orders TO gateway")
