"""What clients see: a tight writer at each of two servers, the same for every contender."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "observe_patroni"
sys.path.append(str(EXAMPLE))  # the example's writer is the client here too

from reading import Try, tries  # noqa: E402

STEADY_ROWS = 100
UP_SECONDS = 60.0
_POLL_SECONDS = 0.02
_ROWS = "SELECT sent_ns FROM public.reading WHERE port = %s"


@dataclass(frozen=True)
class Clients:
    """`old` and `new` are ports: of the server that serves, and of the one that is to take over."""

    old: int
    new: int
    password: str
    logs: dict[int, Path]

    def tries(self, port: int, since_ns: int = 0) -> list[Try]:
        return tries([self.logs[port]], since_ns, time.monotonic_ns())

    def rows(self, port: int, since_ns: int = 0) -> list[Try]:
        """Those that were acknowledged, of what was sent after that."""
        return [each for each in self.tries(port, since_ns) if each.outcome == "row"]

    def wait_until_steady(self) -> None:
        """The old one takes rows and the new one refuses them."""
        began_ns = time.monotonic_ns()
        until(
            lambda: (
                len(self.rows(self.old, began_ns)) >= STEADY_ROWS
                and any(each.outcome == "read-only" for each in self.tries(self.new, began_ns))
            ),
            UP_SECONDS,
            "the writers to be steady",
        )

    def first_row(self, since_ns: int, limit_seconds: float) -> Try:
        """The first one that the new server acknowledged."""
        until(lambda: self.rows(self.new, since_ns) != [], limit_seconds, "a row at the new server")
        return self.rows(self.new, since_ns)[0]

    def lost(self) -> tuple[int, int]:
        """(rows that the old server acknowledged and the new one does not have, acknowledged in all)."""
        where = f"host=127.0.0.1 port={self.new} dbname=postgres user=postgres connect_timeout=5"
        with psycopg.connect(where, password=self.password) as connection:
            there = {number for (number,) in connection.execute(_ROWS, [self.old])}
        acknowledged = {each.sent_ns for each in self.rows(self.old)}
        return len(acknowledged - there), len(acknowledged)

    def row_ms(self) -> float:
        """How long a row takes here while all is well."""
        return statistics.median(r.completed_ns - r.sent_ns for r in self.rows(self.old)) / 1e6


@contextmanager
def writing(old: int, new: int, password: str, folder: Path) -> Iterator[Clients]:
    logs = {port: folder / f"written-{port}-{time.monotonic_ns()}.log" for port in (old, new)}
    started = []
    try:
        for port, log in logs.items():
            log.touch()
            argv = [sys.executable, str(EXAMPLE / "writer.py"), str(port), str(log)]
            started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, text=True))
            told = started[-1].stdin
            assert told is not None
            with told:
                told.write(password)
        yield Clients(old, new, password, logs)
    finally:
        for writer in started:
            writer.kill()
            writer.wait()


def until(holds: Callable[[], bool], limit_seconds: float, what: str) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + limit_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {limit_seconds:.0f} s for {what}")
        time.sleep(_POLL_SECONDS)
