"""What detection looks at: answers 200 while the database beside it is the one that takes writes, else 503.

python check_server.py PORT DATABASE_PORT, with the password in PGPASSWORD.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg


class Check(BaseHTTPRequestHandler):
    database = ""
    connection: psycopg.Connection | None = None

    def do_GET(self) -> None:
        self.send_response(200 if self.serves() else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def serves(self) -> bool:
        try:
            if Check.connection is None:
                Check.connection = psycopg.connect(self.database, autocommit=True)
            row = Check.connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
        except psycopg.Error:
            Check.connection = None
            return False
        return row is not None and bool(row[0])

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    port, database_port = map(int, sys.argv[1:])
    Check.database = f"host=127.0.0.1 port={database_port} dbname=desk user=blackstart connect_timeout=2"
    HTTPServer(("127.0.0.1", port), Check).serve_forever()


if __name__ == "__main__":
    main()
