"""Is the Prefect API open to strangers? Whoever reaches it can run our flows, so a drill refuses that.

Found out by asking as a stranger would, not by reading what was configured. Imports no Prefect.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from flows.server.api_address import api_url
from sites.errors import GuardError

Openness = Literal["open", "closed", "unreachable", "unknown"]
_WANTS_CREDENTIALS = {401, 403}
ASK_SECONDS = 2.0


def refuse_open_api(environ: Mapping[str, str] = os.environ) -> None:
    """Raise GuardError when the Prefect API in use answers strangers on other machines."""
    url = api_url(environ)
    reason = exposed(url) if url is not None else None
    if reason:
        raise GuardError(
            f"the Prefect API is open to anybody: {reason}",
            hint="bind the server to 127.0.0.1, or set PREFECT_SERVER_API_AUTH_STRING and put TLS before it",
        )


def exposed(url: str) -> str | None:
    """How a stranger elsewhere gets in; None when it is closed, out of reach or on loopback alone."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not _loopback(host):
        return _in(url)
    for address in _own_addresses():
        shown = f"[{address}]" if ":" in address else address
        elsewhere = urlunsplit(parts._replace(netloc=f"{shown}:{parts.port or 80}"))
        if (how := _in(elsewhere)) is not None:
            return f"{how}, not only {host}"
    return None


def _in(url: str) -> str | None:
    """How a stranger gets in at an address, or that it cannot be told; None when he does not."""
    match openness(url):
        case "open":
            return f"{url} answers without credentials"
        case "unknown":
            return f"{url} answers, and it cannot be told whether it wants credentials"
    return None


def openness(url: str) -> Openness:
    """Ask for data, as a stranger."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return "unreachable"
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        f"{url.rstrip('/')}/flows/count", data=b"{}", headers={"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=ASK_SECONDS):
            return "open"
    except urllib.error.HTTPError as error:
        error.close()
        return "closed" if error.code in _WANTS_CREDENTIALS else "unknown"
    except OSError:
        return "unreachable"


def _loopback(host: str) -> bool:
    try:
        return all(ipaddress.ip_address(address).is_loopback for address in _addresses(host))
    except OSError:
        return False


def _addresses(host: str) -> set[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return {str(entry[4][0]).partition("%")[0] for entry in found}


def _own_addresses() -> list[str]:
    """This machine's addresses that others may reach: of its name, and of the way out. Nothing is sent."""
    found: set[str] = set()
    try:
        found |= _addresses(socket.gethostname())
    except OSError:
        found.clear()  # a machine that does not know its own name
    for family, outside in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            if probe.connect_ex((outside, 9)) == 0:
                found.add(str(probe.getsockname()[0]))
    return sorted(a for a in found if not ipaddress.ip_address(a).is_loopback)
