"""What a canary of kind `postgres` is told: where its servers are, and as whom to write there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sites.drivers.postgres.client import PostgresClient
from sites.drivers.postgres.session import Login
from sites.secret import Secret


@dataclass(frozen=True, slots=True)
class PostgresCanary:
    """`addresses` are HOST:PORT: the server that takes writes is looked for among them, in turn."""

    addresses: tuple[str, ...]
    database: str
    user: str
    password: Secret | None = None
    pooled: bool = False
    kind: Literal["postgres"] = "postgres"

    def open(self, *, run: str, limit_seconds: float) -> PostgresClient:
        """Raises PlanError when the password cannot be had."""
        password = self.password.resolve() if self.password is not None else ""
        logins = [self._login(address, password) for address in self.addresses]
        return PostgresClient(*logins, limit_seconds=limit_seconds, run=run, pooled=self.pooled)

    def _login(self, address: str, password: str) -> Login:
        host, _, port = address.rpartition(":")
        return Login(host.strip("[]"), int(port), self.database, self.user, password)
