"""The desk's PostgreSQL: a primary, its standby at the other site, and who may do what."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg
from order_book import TABLE
from psycopg import sql

from sites.drivers.postgres.configuration import ServerSettings
from sites.drivers.postgres.programs import PostgresPrograms
from sites.drivers.postgres.roles import arm
from sites.drivers.postgres.server import ADMIN, PostgresServer
from sites.drivers.processes.site import ProcessSite
from sites.errors import DatasetError
from sites.estate import Estate

DATABASE = "desk"
OWNER = "blackstart"
GATEWAY = "gateway"
STARTING_SECONDS_MAX = 20.0


def create(
    estate: Estate,
    secrets: Mapping[str, str],
    programs: PostgresPrograms,
    user: str | None,
    until_pid: int | None,
) -> None:
    """Make the servers of dataset "orders" and leave them running, in sites where nothing else runs yet.

    Raises a BlackstartError.
    """
    for name in ("primary", "dr"):
        ProcessSite(name, estate.processes(name).path, until_pid=until_pid).up()
    waits_for = "FIRST 1 (dr)" if estate.postgres("orders").synchronous else ""
    primary = _server(estate, "primary", programs, user, waits_for)
    primary.create_primary(admin_password=secrets["admin"])
    estate.site("primary").start("postgres")
    address = (primary.settings.host, primary.settings.port)
    arm_once_started(address, secrets)
    add_gateway(address, secrets)
    standby = _server(estate, "dr", programs, user, waits_for="")
    standby.create_standby(primary=address, slot="dr", replication_password=secrets["replicator"])
    estate.site("dr").start("postgres")


def _server(
    estate: Estate, site: str, programs: PostgresPrograms, user: str | None, waits_for: str
) -> PostgresServer:
    place = estate.server("orders", site)
    settings = ServerSettings(site, place.port, place.host, synchronous_standbys=waits_for)
    return PostgresServer(settings, data=estate.processes(site).path / "pgdata", programs=programs, user=user)


def arm_once_started(address: tuple[str, int], secrets: Mapping[str, str]) -> None:
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


def add_gateway(address: tuple[str, int], secrets: Mapping[str, str]) -> None:
    """The gateway's own role, which may use the table of orders and nothing else."""
    with psycopg.connect(
        host=address[0],
        port=address[1],
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
