"""Whether a PostgreSQL server lets clients in: it accepts connections earlier, only to refuse them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import conninfo, pq

_TRY_SECONDS = 2


@dataclass(frozen=True, slots=True)
class PostgresReady:
    """Implements Readiness. No login is needed to find out."""

    host: str
    port: int

    def reason_not(self) -> str | None:
        where = conninfo.make_conninfo(host=self.host, port=self.port, connect_timeout=_TRY_SECONDS)
        answer = pq.PGconn.ping(where.encode())
        return None if answer == pq.Ping.OK else f"{self.host}:{self.port}: {pq.Ping(answer).name.lower()}"
