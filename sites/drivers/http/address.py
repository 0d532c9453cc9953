"""Where an HTTP service is."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """Where an http or https URL points. Raises ValueError for any other URL."""

    host: str
    port: int
    path: str
    secure: bool

    @classmethod
    def of(cls, url: str) -> Address:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an http or https URL with a host")
        if parts.username or parts.password:
            raise ValueError("an http URL may not carry a user or a password")
        secure = parts.scheme == "https"
        path = parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, parts.port or (443 if secure else 80), path, secure)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def numeric(self) -> list[tuple[int, tuple[str, int]]]:
        """Family and address when no resolver is needed for them, else nothing."""
        try:
            found = socket.getaddrinfo(
                self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        except socket.gaierror:
            return []
        return [(family, (str(where[0]), int(where[1]))) for family, _, _, _, where in found]
