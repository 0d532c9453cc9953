"""Writing a ledger: one writer, one line a record, each chained to the one before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.records import FIRST_PREV
from rto_rpo.ledger.validation import checked


class LedgerWriter:
    """The sole writer of the ledger at `path`, which must not exist yet. Not safe for threads.

    Lines are buffered; they are on disk after `sync` or `close`.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._whole = hashlib.sha256()
        self._prev = FIRST_PREV
        self._seq = 0
        self._ns = 0
        self._ended = False
        _sync_directory(path.parent)

    def append(self, record: Mapping[str, Any]) -> int:
        """Write a record given without `seq` and `prev`; the answer is its `seq`.

        Raises LedgerError, and writes nothing, where the record is malformed, its `ns` goes back, the first
        is no header, another is one, or the ledger has ended.
        """
        seq = self._seq
        whole: dict[str, Any] = {"seq": seq, "ns": record.get("ns"), "prev": self._prev, **record}
        checked(seq + 1, whole)
        self._refuse_disorder(whole)
        line = orjson.dumps(whole) + b"\n"
        self._file.write(line)
        self._whole.update(line)
        self._prev = hashlib.sha256(line).hexdigest()
        self._ns = whole["ns"]
        self._ended = whole["kind"] == "end"
        self._seq = seq + 1
        return seq

    def _refuse_disorder(self, record: Mapping[str, Any]) -> None:
        line = self._seq + 1
        if record["seq"] != self._seq or record["prev"] != self._prev:
            raise LedgerError(line, "seq and prev are the writer's own; leave them out")
        if self._ended:
            raise LedgerError(line, "the ledger has ended")
        if (record["kind"] == "header") != (self._seq == 0):
            raise LedgerError(line, "a ledger begins with its header and has no other")
        if record["ns"] < self._ns:
            raise LedgerError(line, f"the clock went back from {self._ns} to {record['ns']}")

    def sync(self) -> None:
        """Return when everything appended so far is on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> str:
        """Sync, close, and give the SHA-256 (hex) of the whole file."""
        if not self._file.closed:
            self.sync()
            self._file.close()
        return self._whole.hexdigest()


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
