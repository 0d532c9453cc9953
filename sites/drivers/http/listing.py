"""A JSON listing, read row by row as it arrives: `{"orders": [...], "count": 2, "end": true}`.

A long drill leaves hundreds of thousands of rows. Read whole they would take hundreds of megabytes
and seconds in which nothing else runs; read like this neither.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Generator

VALUE_CHARS_MAX = 16 * 1024 * 1024
_SPACE = " \t\r\n"

_Steps = Generator[None, None, None]


class MalformedListing(ValueError):
    """The text is not the listing that was agreed on."""


class Listing:
    """Feed it bytes; each element of `list_field` goes to `row`, every other field to `fields`."""

    def __init__(self, list_field: str, row: Callable[[object], None]) -> None:
        self.fields: dict[str, object] = {}
        self._list_field = list_field
        self._row = row
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._listed = False
        self._complete = False
        self._steps = self._object()
        next(self._steps)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises MalformedListing, and whatever `row` raises."""
        self._text = self._text[self._at :] + self._bytes.decode(data)
        self._at = 0
        if len(self._text) > VALUE_CHARS_MAX:
            raise MalformedListing("one row of the listing is longer than 16 MiB")
        if not self._complete:
            self._complete = next(self._steps, self) is self

    def finish(self) -> dict[str, object]:
        """The fields beside the list. Raises MalformedListing when the text ended too early."""
        if not (self._complete and self._listed):
            raise MalformedListing(f"not a whole JSON object with a list {self._list_field!r}")
        return self.fields

    def _object(self) -> _Steps:
        yield
        yield from self._take("{")
        while True:
            name = yield from self._value()
            yield from self._take(":")
            if name == self._list_field:
                yield from self._rows()
            else:
                self.fields[str(name)] = yield from self._value()
            if (yield from self._take(",}")) == "}":
                return

    def _rows(self) -> _Steps:
        yield from self._take("[")
        self._listed = True
        if (yield from self._peek()) == "]":
            self._at += 1
            return
        while True:
            self._row((yield from self._value()))
            if (yield from self._take(",]")) == "]":
                return

    def _peek(self) -> Generator[None, None, str]:
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            yield

    def _take(self, allowed: str) -> Generator[None, None, str]:
        found = yield from self._peek()
        if found not in allowed:
            raise MalformedListing(f"{found!r} where one of {allowed!r} was due")
        self._at += 1
        return found

    def _value(self) -> Generator[None, None, object]:
        while True:
            yield from self._peek()
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError:
                yield  # not all of it is here yet
                continue
            if end < len(self._text):  # a number that ends where the text does may go on
                self._at = end
                return value
            yield
