"""One HTTP/1.1 reply, read as its bytes arrive. No sockets here.

The library clients repeat a request when they think they may. A canary's number is sent once or
not at all, so the few parts of HTTP that it needs are our own.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD_BYTES_MAX = 64 * 1024


class MalformedReply(ValueError):
    """What arrived is no HTTP/1.1 reply."""


def _discard(_: bytes) -> None:
    return


class Reply:
    """Feed it bytes until it is `complete`. The body goes to `sink` in pieces and is not kept."""

    def __init__(self, sink: Callable[[bytes], None] = _discard) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.complete = False
        self._sink = sink
        self._buffer = bytearray()
        # a plain function, not a bound method: a reply that refers to itself would need the collector
        self._read: Callable[[Reply], bool] = Reply._head
        self._left = 0

    @property
    def keeps_alive(self) -> bool:
        """Whether the same connection may carry another request."""
        return self.complete and self._framed and self.headers.get("connection", "").lower() != "close"

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises MalformedReply."""
        self._buffer += data
        while not self.complete and self._read(self):
            pass

    def end(self) -> None:
        """The peer sent its last byte: only a body without a length of its own is complete by that."""
        if self._read is Reply._until_end:
            self.complete = True

    @property
    def _framed(self) -> bool:
        return self._read is not Reply._until_end

    def _head(self) -> bool:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise MalformedReply("the head of the reply has no end")
            return False
        self._buffer = bytearray(rest)
        self.status, self.headers = _parse_head(head)
        if 100 <= self.status < 200:
            return True  # an interim reply: the real one follows
        self._choose_body()
        return True

    def _choose_body(self) -> None:
        if self.status in {204, 304}:
            self.complete = True
        elif "chunked" in self.headers.get("transfer-encoding", "").lower():
            self._read = Reply._chunk_head
        elif (length := self.headers.get("content-length")) is not None:
            self._left = _natural(length, 10)
            self._read = Reply._counted
            self.complete = self._left == 0
        else:
            self._read = Reply._until_end

    def _pass_on(self, count: int) -> None:
        if count:
            self._sink(bytes(self._buffer[:count]))
            del self._buffer[:count]

    def _counted(self) -> bool:
        count = min(self._left, len(self._buffer))
        self._pass_on(count)
        self._left -= count
        self.complete = self._left == 0
        return False

    def _until_end(self) -> bool:
        self._pass_on(len(self._buffer))
        return False

    def _line(self) -> bytes | None:
        line, found, rest = bytes(self._buffer).partition(b"\r\n")
        if not found:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise MalformedReply("a line of the chunked body has no end")
            return None
        self._buffer = bytearray(rest)
        return line

    def _chunk_head(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left = _natural(line.split(b";")[0].decode("latin-1"), 16)
        self._read = Reply._chunk if self._left else Reply._trailer
        return True

    def _chunk(self) -> bool:
        count = min(self._left, len(self._buffer))
        self._pass_on(count)
        self._left -= count
        if self._left:
            return False
        self._read = Reply._chunk_end
        return True

    def _chunk_end(self) -> bool:
        line = self._line()
        if line:
            raise MalformedReply("a chunk of the body is longer than it said")
        self._read = Reply._chunk_head if line is not None else Reply._chunk_end
        return line is not None

    def _trailer(self) -> bool:
        line = self._line()
        self.complete = line == b""
        return line is not None


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    version, code = [*lines[0].split(" ", 2), "", ""][:2]
    if not version.startswith("HTTP/1.") or not (len(code) == 3 and code.isascii() and code.isdigit()):
        raise MalformedReply(f"not an HTTP/1.1 status line: {lines[0][:80]!r}")
    headers = {} if version == "HTTP/1.1" else {"connection": "close"}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(code), headers


def _natural(text: str, base: int) -> int:
    try:
        value = int(text.strip(), base)
    except ValueError:
        value = -1
    if value < 0:
        raise MalformedReply(f"not a length: {text[:40]!r}")
    return value
