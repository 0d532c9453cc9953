"""Which client a canary writes through, by its kind: the one place where kinds are told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from drills.turns import TakingTurns
from sites.capability import Client, Probe
from sites.drivers.http.client import HttpCanary, HttpClient
from sites.drivers.http.probe import HttpControl, HttpProbe
from sites.drivers.marks import MarkedFolder, MarksClient
from sites.drivers.postgres.canary import PostgresCanary
from sites.drivers.s3.canary import BucketPlace, MarkedBucket, ObjectMarksClient
from sites.drivers.shell import ShellClient, ShellCommands
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Drill, Marks
from sites.plan import HttpCanary as HttpNoun
from sites.plan import PostgresCanary as PostgresNoun
from sites.plan import ShellCanary as ShellNoun
from sites.plan.faults import KillSite, SiteFault

# What the recorder is told of each client. It travels as JSON, so it holds references to secrets, never one.
ClientConfig = Annotated[
    HttpCanary | PostgresCanary | ShellCommands | MarkedFolder | MarkedBucket | HttpControl,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Addressed:
    """A client and where it writes, as the ledger names it."""

    address: str
    client: ClientConfig


@dataclass(frozen=True, slots=True)
class Clients:
    """Who writes where clients write, and who at the old primary's own address, where there is one."""

    clients: Addressed
    old_primary: Addressed | None


def clients_of(estate: Estate, drill: Drill) -> Clients:
    """Raises PlanError where clients have no address."""
    canary, old_site = drill.canary, primary_site(estate, drill)
    match canary:
        case HttpNoun():
            return _http(estate, canary, old_site)
        case PostgresNoun():
            return _postgres(estate, canary, old_site)
        case ShellNoun():
            return _shell(estate, canary, old_site)


def prepare(estate: Estate, drill: Drill) -> None:
    """Make what the canary writes into, before anything is measured. Raises PlanError, DatasetError."""
    config = clients_of(estate, drill).clients.client
    if isinstance(config, PostgresCanary):
        client = config.open(run="", limit_seconds=drill.canary.limit.seconds)
        asyncio.run(client.prepare())


def marked_at(estate: Estate, marks: Marks) -> tuple[MarkedFolder | MarkedBucket, str]:
    """Where marks go and where they come back, and how the ledger names that. Raises PlanError."""
    if marks.kind == "objects":
        bucket = _marked_bucket(estate, marks.dataset)
        return bucket, str(bucket.source)
    folder = _marked_folder(estate, marks.dataset)
    return folder, str(folder.folder)


def _marked_bucket(estate: Estate, dataset: str) -> MarkedBucket:
    declared = estate.plan.datasets.get(dataset)
    if declared is None or declared.kind != "objects":
        raise PlanError(f'dataset "{dataset}" cannot hold marks in a bucket', hint="it needs kind objects")
    source, replica = (
        BucketPlace(
            place.bucket,
            place.endpoint,
            place.region,
            place.prefix or "",
            place.access_key,
            place.secret_key,
            place.checksums,
        )
        for place in (declared.source, declared.replica)
    )
    return MarkedBucket(source, replica)


def _marked_folder(estate: Estate, dataset: str) -> MarkedFolder:
    """Raises PlanError where the dataset is not restored."""
    declared = estate.plan.datasets.get(dataset)
    if declared is None or declared.kind != "files" or declared.restore is None:
        raise PlanError(f'dataset "{dataset}" cannot hold marks', hint="it needs kind files and `restore`")
    return MarkedFolder(declared.path, declared.restore.path)


def open_client(
    config: ClientConfig, *, run: str, limit_seconds: float, in_flight_max: int, clients: int = 1
) -> Client | Probe:
    """Call it on the recorder's running loop. Raises PlanError when a secret cannot be had."""
    match config:
        case HttpCanary():
            return in_turns(clients, lambda: HttpClient(config, run=run, limit_seconds=limit_seconds))
        case PostgresCanary():
            return in_turns(clients, lambda: config.open(run=run, limit_seconds=limit_seconds))
        case ShellCommands():
            return ShellClient(config, run=run, limit_seconds=limit_seconds, workers=in_flight_max)
        case MarkedFolder():
            return MarksClient(config, run=run, limit_seconds=limit_seconds, workers=in_flight_max)
        case MarkedBucket():
            return ObjectMarksClient(config, run=run, limit_seconds=limit_seconds, workers=in_flight_max)
        case HttpControl():
            return HttpProbe(config, limit_seconds=limit_seconds)


def in_turns(clients: int, make: Callable[[], Client]) -> Client:
    """One client, or so many that take turns."""
    return make() if clients == 1 else TakingTurns([make() for _ in range(clients)])


def _http(estate: Estate, canary: HttpNoun, old_site: str) -> Clients:
    service = estate.plan.services[canary.service]
    if service.endpoint is None:
        raise PlanError(f'service "{canary.service}" has no endpoint for a canary', hint="declare `endpoint`")
    old = service.addresses.get(old_site)

    def at(address: str) -> Addressed:
        config = HttpCanary(
            address,
            write_path=canary.write_path,
            list_path=canary.list_path,
            id_field=canary.id_field,
            payload_field=canary.payload_field,
            list_field=canary.list_field,
            pooled=canary.connections == "pooled",
        )
        return Addressed(address, config)

    return Clients(at(service.endpoint), at(old) if old is not None else None)


def _postgres(estate: Estate, canary: PostgresNoun, old_site: str) -> Clients:
    dataset = estate.plan.datasets[canary.dataset]
    if dataset.kind != "postgres":
        raise PlanError(f'dataset "{canary.dataset}" is of kind {dataset.kind}, not postgres')
    servers = [server for server in (dataset.primary, dataset.standby) if server is not None]
    own = tuple(f"{server.host}:{server.port}" for server in servers)
    old = tuple(f"{server.host}:{server.port}" for server in servers if server.site == old_site)

    def at(addresses: tuple[str, ...]) -> Addressed:
        config = PostgresCanary(
            addresses, dataset.database, dataset.user, dataset.password, canary.connections == "pooled"
        )
        return Addressed(",".join(addresses), config)

    return Clients(at(canary.addresses or own), at(old) if old else None)


def _shell(estate: Estate, canary: ShellNoun, old_site: str) -> Clients:
    service = estate.plan.services[canary.service]
    endpoint = service.endpoint or ""

    def at(address: str, site: str) -> Addressed:
        config = ShellCommands(
            write=canary.write,
            read=canary.read,
            delete=canary.delete,
            address=address,
            site=site,
            env=dict(canary.env),
            cwd=estate.plan.path.parent,
        )
        return Addressed(address or (f"site {site}" if site else "by command"), config)

    split = canary.by_site and old_site
    old = at(service.addresses.get(old_site, ""), old_site) if split else None
    return Clients(at(endpoint, ""), old)


def primary_site(estate: Estate, drill: Drill) -> str:
    """The site that serves until something takes over; none where the plan does not say."""
    fault = drill.fault
    if isinstance(fault, KillSite) or (isinstance(fault, SiteFault) and estate.plan.failover is None):
        return fault.site
    return estate.plan.failover.from_site if estate.plan.failover is not None else ""
