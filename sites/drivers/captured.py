"""What a command said, within bounds: the beginning and the end are kept, the middle is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sites.drivers.masking import mask, mask_torn

LINE_BYTES_MAX = 1 << 20


class Captured:
    """A sink for one output stream that never holds more than `bytes_max`."""

    def __init__(self, bytes_max: int) -> None:
        self._half = max(1, bytes_max // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped_bytes = 0

    def feed(self, chunk: bytes) -> None:
        room = self._half - len(self._head)
        self._head += chunk[:room] if room > 0 else b""
        self._tail += chunk[room:] if room > 0 else chunk
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self.dropped_bytes += excess

    def text(self) -> str:
        """All that was kept, unmasked, with a note where something was dropped."""
        return self._join(*self._pieces())

    def masked(self, secrets: Iterable[str] = ()) -> str:
        """The same, fit for people and files."""
        head, tail = self._pieces()
        if not self.dropped_bytes:
            return mask(head + tail, secrets)
        return self._join(*mask_torn(head, tail, secrets))

    def _pieces(self) -> tuple[str, str]:
        if not self.dropped_bytes:
            return (self._head + self._tail).decode(errors="replace"), ""
        return self._head.decode(errors="replace"), self._tail.decode(errors="replace")

    def _join(self, head: str, tail: str) -> str:
        note = f"\n[... {self.dropped_bytes} bytes dropped ...]\n" if self.dropped_bytes else ""
        return head + note + tail


class Lines:
    """A sink that hands on every line as it arrives. A line beyond `LINE_BYTES_MAX` comes in pieces."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._rest += chunk
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        for line in lines:
            self._on_line(line.decode(errors="replace"))
        if len(self._rest) > LINE_BYTES_MAX:
            self.end()

    def end(self) -> None:
        """Hand on what came without a line end."""
        if self._rest:
            rest, self._rest = self._rest, bytearray()
            self._on_line(rest.decode(errors="replace"))
