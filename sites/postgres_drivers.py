"""The drivers of a plan's PostgreSQL datasets, secrets looked up when one is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from sites.capability import Proof
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.programs import PostgresPrograms, find_programs
from sites.drivers.postgres.rejoin import Replicator
from sites.plan import Dataset, PostgresServer, Process, Replication
from sites.plan import PostgresDataset as PostgresNoun


def servers(declared: Dataset) -> list[PostgresServer]:
    """Every server of a dataset; none of one that is no PostgreSQL database."""
    if declared.kind != "postgres":
        return []
    return [server for server in (declared.primary, declared.standby) if server is not None]


def postgres_dataset(
    name: str, declared: PostgresNoun, gone: Callable[[PostgresServer], Proof]
) -> PostgresDataset:
    """`gone` says of one of its servers whether it is proven gone."""
    at = {server.site: server for server in servers(declared)}
    return PostgresDataset(
        name,
        declared.database,
        declared.user,
        declared.password.resolve() if declared.password else "",
        {site: (server.host, server.port) for site, server in at.items()},
        synchronous=declared.synchronous,
        replicator=partial(replicator, declared.replication) if declared.replication else None,
        gone=lambda site: gone(at[site]),
    )


def replicator(declared: Replication) -> Replicator:
    return Replicator(declared.user, declared.password.resolve())


def programs_of(process: Process) -> PostgresPrograms:
    """Those beside the server that the process runs; else the machine's."""
    server = Path(process.command[0])
    return find_programs(server.parent if server.is_absolute() else None)
