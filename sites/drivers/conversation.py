"""Feed a running command and listen to it, until it ends or its time is up."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable

from sites.drivers.piped import Piped

_CHUNK_BYTES = 1 << 16
_SILENCE_SECONDS = 0.25
_LINGER_SECONDS = 2.0


class TimeLimitReached(Exception):
    """The command was still at it when its time was up."""


class Conversation:
    """Both output streams are read as they come, so that the command never blocks on a full pipe."""

    def __init__(
        self,
        process: Piped,
        said: bytes,
        on_stdout: Callable[[bytes], None],
        on_stderr: Callable[[bytes], None],
    ) -> None:
        self._process = process
        self._unsaid = memoryview(said)
        self._sinks = {process.stdout: on_stdout, process.stderr: on_stderr}

    def hold(self, deadline: float) -> None:
        """Return once the command has ended and all it said was read. Raises TimeLimitReached.

        `deadline` is an instant of time.monotonic(). A child left in the background may keep the pipes open:
        after the command itself has ended we listen on only until they fall silent.
        """
        ended = os.pidfd_open(self._process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                self._register(selector, ended)
                self._listen(selector, ended, deadline)
        finally:
            os.close(ended)

    def _register(self, selector: selectors.BaseSelector, ended: int) -> None:
        selector.register(ended, selectors.EVENT_READ, self._sinks)
        for stream, sink in self._sinks.items():
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, sink)
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
            selector.register(self._process.stdin, selectors.EVENT_WRITE)

    def _listen(self, selector: selectors.BaseSelector, ended: int, deadline: float) -> None:
        running = True
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0 and running:
                raise TimeLimitReached
            ready = selector.select(left if running else min(left, _SILENCE_SECONDS))
            if not running and (left <= 0 or not ready):
                return
            for key, _ in ready:
                if key.fileobj == ended:
                    running = False
                    deadline = time.monotonic() + _LINGER_SECONDS
                    selector.unregister(ended)
                elif key.events & selectors.EVENT_WRITE:
                    self._say(selector)
                else:
                    self._hear(selector, key)

    def _hear(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        chunk = os.read(key.fd, _CHUNK_BYTES)
        if chunk:
            key.data(chunk)
        else:
            selector.unregister(key.fileobj)

    def _say(self, selector: selectors.BaseSelector) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101  registered only if there is one
        try:
            self._unsaid = self._unsaid[os.write(stdin.fileno(), self._unsaid[:_CHUNK_BYTES]) :]
        except BrokenPipeError:
            self._unsaid = self._unsaid[:0]
        if not self._unsaid:
            selector.unregister(stdin)
            stdin.close()
