"""The metrics where Prometheus comes to fetch them: `/metrics` over HTTP, looked at anew when it asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from flows.exposure.prometheus import text
from flows.exposure.status import status_of
from rto_rpo.evidence import EvidenceError
from sites.errors import BlackstartError, SiteError
from sites.estate import Estate

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_READ_SECONDS = 10.0  # a scraper that does not finish its request holds nobody up for longer


class Metrics:
    """What is served: a look at everything, not older than `fresh_seconds`; one look at a time.

    `look` gives the text. A look that fails is no metrics: the scraper gets an error and says `up 0`.
    """

    def __init__(self, look: Callable[[], str], fresh_seconds: float) -> None:
        self._look, self._fresh_seconds = look, fresh_seconds
        self._lock = threading.Lock()
        self._found: tuple[float, str] | None = None

    def now(self) -> str:
        """Raises what the look raises."""
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > self._fresh_seconds:
                self._found = None  # of a look that fails nothing older is told instead
                self._found = (time.monotonic(), self._look())
            return self._found[1]


def metrics_of(estate: Estate, fresh_seconds: float) -> Metrics:
    return Metrics(lambda: text(status_of(estate)), fresh_seconds)


def server(
    address: tuple[str, int], metrics: Metrics, complain: Callable[[str], None]
) -> ThreadingHTTPServer:
    """Bound and listening; `serve_forever` serves. Raises SiteError when the address cannot be had."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS
        server_version, sys_version = "blackstart", ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, "text/plain", "the metrics are at /metrics\n")
                return
            try:
                found = metrics.now()
            except (BlackstartError, EvidenceError) as error:
                complain(f"no metrics: {error}")
                self._answer(503, "text/plain; charset=utf-8", f"the status cannot be had: {error}\n")
            else:
                self._answer(200, TYPE, found)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: int, kind: str, said: str) -> None:
            body = said.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Each scrape is no news."""

    try:
        return ThreadingHTTPServer(address, Handler)
    except OSError as error:
        raise SiteError(
            f"cannot serve metrics at {address[0]}:{address[1]}: {error.strerror or error}",
            hint="another address: --listen HOST:PORT",
        ) from error
