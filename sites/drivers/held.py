"""A running command that is talked to in lines, back and forth, until it is let go."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from sites.drivers.piped import Piped

_CHUNK_BYTES = 1 << 16
_HEARD_BYTES_MAX = 1 << 20
_COMPLAINT_BYTES_MAX = 1 << 14


class NoAnswer(Exception):
    """It did not say what was waited for. `ended`: it will not say anything any more."""

    def __init__(self, message: str, *, ended: bool) -> None:
        super().__init__(message)
        self.ended = ended


class Held:
    """One conversation. Not for two threads at once."""

    def __init__(self, process: Piped, stop: Callable[[], None]) -> None:
        assert process.stdin is not None  # noqa: S101  it was opened with all three
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self._in, self._out, self._err = process.stdin, process.stdout, process.stderr
        self._stop = stop
        self._heard = self._complained = b""
        os.set_blocking(self._err.fileno(), False)

    def say(self, text: str) -> None:
        """Raises NoAnswer if nobody listens any more."""
        try:
            self._in.write(text.encode())
            self._in.flush()
        except (OSError, ValueError) as error:  # the latter after `close`
            raise NoAnswer(f"it has ended: {error}", ended=True) from None

    def hear(self, last: str, limit_seconds: float) -> list[str]:
        """Its lines up to one that begins with the word `last`, that one included. Raises NoAnswer."""
        deadline = time.monotonic() + limit_seconds
        lines: list[str] = []
        while True:
            line = self._line(deadline, limit_seconds)
            lines.append(line)
            if line.split(" ", 1)[0] == last:
                return lines

    def complaint(self) -> str:
        """All that it said on its error output by now."""
        try:
            self._complained += os.read(self._err.fileno(), _COMPLAINT_BYTES_MAX)
        except (BlockingIOError, ValueError):  # nothing more, or closed
            return self._complained.decode(errors="replace").strip()
        return self._complained.decode(errors="replace").strip()

    def close(self) -> None:
        """Let it go: it hears the end of our words, and is stopped. No effect the second time."""
        if self._out.closed:
            return
        for stream in (self._in, self._out, self._err):
            try:
                stream.close()
            except OSError:  # what it never read cannot be flushed any more
                continue
        self._stop()

    def _line(self, deadline: float, limit_seconds: float) -> str:
        while b"\n" not in self._heard:
            left = deadline - time.monotonic()
            ready = select.select([self._out], [], [], max(0.0, left))[0]
            if not ready:
                raise NoAnswer(f"no answer within {limit_seconds:g} s", ended=False)
            chunk = os.read(self._out.fileno(), _CHUNK_BYTES)
            if not chunk or len(self._heard) > _HEARD_BYTES_MAX:
                raise NoAnswer(f"it has ended: {self._last_complaint()}", ended=True)
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def _last_complaint(self) -> str:
        return (self.complaint().splitlines() or ["without a word"])[-1].strip()
