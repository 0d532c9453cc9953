"""Which client a canary writes through, by its kind: the one place where kinds are told apart."""

from __future__ import annotations

from dataclasses import dataclass

from sites.capability import Client
from sites.drivers.http.client import HttpCanary, HttpClient
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import Canary

# What the recorder is told of each client. With a second kind: Annotated[HttpCanary | ...,
# Field(discriminator="kind")]; it travels as JSON, so it holds references to secrets and never a secret.
ClientConfig = HttpCanary


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a canary writes: the clients' own address, and the old primary's where there is one."""

    clients: str
    old_primary: str | None


def addresses(estate: Estate, canary: Canary) -> Addresses:
    """Raises PlanError where clients have no address."""
    service = estate.plan.services[canary.service]
    if service.endpoint is None:
        raise PlanError(f'service "{canary.service}" has no endpoint for a canary', hint="declare `endpoint`")
    old = estate.plan.failover.from_site if estate.plan.failover is not None else None
    return Addresses(service.endpoint, service.addresses.get(old) if old is not None else None)


def configure(canary: Canary, address: str) -> ClientConfig:
    """What the recorder needs to write at `address`."""
    return HttpCanary(
        address,
        write_path=canary.write_path,
        list_path=canary.list_path,
        id_field=canary.id_field,
        payload_field=canary.payload_field,
        list_field=canary.list_field,
    )


def open_client(config: ClientConfig, *, run: str, limit_seconds: float) -> Client:
    """Call it on the recorder's running loop."""
    return HttpClient(config, run=run, limit_seconds=limit_seconds)
