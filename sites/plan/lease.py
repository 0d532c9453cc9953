"""The self-fencing lease: a primary whose door shuts when it cannot renew."""

from __future__ import annotations

from pydantic import Field

from rto_rpo.objective import parse_duration
from sites.plan.evidence import Bucket
from sites.plan.noun import Noun
from sites.plan.references import ProcessName, SecretRef, SiteName
from sites.plan.scalars import HttpAddress, Location, Port, PositiveSpan, Text


class LeaseDoor(Noun):
    """`blackstart hold-lease` at a site: clients reach the database there only through it."""

    host: Text = Field(description="where it listens: the address of the dataset's server in this plan")
    port: Port = Field(description="TCP port that it listens at")
    process: ProcessName | None = Field(None, description="the process of the site that it is")
    server_port: Port | None = Field(None, description="where the database listens: on 127.0.0.1 alone")
    server_socket: Location | None = Field(None, description="or its unix socket, and no address at all")


class Lease(Noun):
    bucket: Bucket = Field(description="holds the witness; at neither of the two sites")
    endpoint: HttpAddress | None = Field(None, description="address of the store; default: AWS")
    region: Text = Field("us-east-1", description="region of the bucket")
    prefix: Text = Field("leases/", description="the keys of the leases begin so")
    access_key: SecretRef = Field(description="access key id")
    secret_key: SecretRef = Field(description="secret access key")
    term: PositiveSpan = Field(parse_duration("10s"), description="the door shuts this long after a renewal")
    margin: PositiveSpan = Field(parse_duration("2s"), description="waited for besides, before it is a proof")
    doors: dict[SiteName, LeaseDoor] = Field(description="the doors, by site")
