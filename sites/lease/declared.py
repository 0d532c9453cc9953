"""The lease that a plan declares: its witness, and the two ends of its doors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sites.lease.door import Place
from sites.plan import Lease, LeaseDoor

if TYPE_CHECKING:
    from sites.drivers.s3.witness import S3Witness

LOCAL = "127.0.0.1"
_ANSWERS_A_TERM = 4


def witness_of(lease: Lease, site: str) -> S3Witness:
    """Secrets are looked up now. Raises PlanError. boto3 is loaded only here, for it takes a while."""
    from sites.drivers.s3.bucket import Bucket
    from sites.drivers.s3.witness import S3Witness

    access, secret = lease.access_key.resolve(), lease.secret_key.resolve()
    return S3Witness(
        Bucket(
            lease.bucket,
            lease.endpoint,
            lease.region,
            lease.prefix,
            lambda: access,
            lambda: secret,
            attempts=1,
            answer_seconds=lease.term.seconds / _ANSWERS_A_TERM,
        ),
        site,
    )


def ends_of(door: LeaseDoor) -> tuple[Place, Place]:
    """Where it listens, and where the database does."""
    listen = Place(door.host, door.port)
    if door.server_socket is not None:
        return listen, Place(socket=str(Path(door.server_socket)))
    return listen, Place(LOCAL, door.server_port or 0)
