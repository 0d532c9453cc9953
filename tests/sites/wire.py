"""Sites in a network of their own, at the other end of a wire; or why there can be none here."""

from __future__ import annotations

import random
from ipaddress import IPv4Address

from sites.drivers.processes.network import OwnNetwork
from sites.errors import SiteError


def no_wire() -> str | None:
    """Why no site can have a network of its own here; None if it can."""
    try:
        OwnNetwork("", IPv4Address("198.18.0.2")).require()
    except SiteError as error:
        return str(error)
    return None


def wired_address() -> str:
    """One of those that are kept for tests of networks; hardly twice the same."""
    return f"198.19.{random.randrange(256)}.{4 * random.randrange(64) + 2}"  # noqa: S311  no secret
