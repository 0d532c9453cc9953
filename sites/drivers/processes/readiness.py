"""Whether a process does its work yet, as its clients would find out."""

from __future__ import annotations

import http.client
import socket
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

_TRY_SECONDS = 1.0
_POLL_SECONDS = 0.01


class Readiness(Protocol):
    def reason_not(self) -> str | None:
        """None if ready; else what is missing, in a few words."""
        ...


@dataclass(frozen=True, slots=True)
class HttpReady:
    """A GET of `url` answers 2xx."""

    url: str

    def reason_not(self) -> str | None:
        url = urlsplit(self.url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=_TRY_SECONDS)
        try:
            connection.request("GET", f"{url.path or '/'}{'?' + url.query if url.query else ''}")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"{self.url}: {error or type(error).__name__}"
        finally:
            connection.close()
        return None if status // 100 == 2 else f"{self.url}: HTTP {status}"


@dataclass(frozen=True, slots=True)
class TcpReady:
    """Something accepts connections at `address`, a "host:port".

    With `held_seconds` it must not end them within that time, as a proxy does that finds nobody behind it.
    """

    address: str
    held_seconds: float = 0.0

    def reason_not(self) -> str | None:
        host, _, port = self.address.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_TRY_SECONDS) as line:
                return self._reason_ended(line) if self.held_seconds else None
        except OSError as error:
            return f"{self.address}: {error}"

    def _reason_ended(self, line: socket.socket) -> str | None:
        line.settimeout(self.held_seconds)
        try:
            said = line.recv(1)
        except TimeoutError:
            return None
        return None if said else f"{self.address}: the connection was ended at once"


def wait_until_ready(ready: Readiness, limit_seconds: float) -> str | None:
    """None as soon as it is ready; what was still missing when the time was up."""
    deadline = time.monotonic() + limit_seconds
    while (reason := ready.reason_not()) is not None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return reason
