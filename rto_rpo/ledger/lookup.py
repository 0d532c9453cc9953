"""Finding a few operations in a long ledger again, without reading it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from rto_rpo.ledger.records import Operation

_ROWS: Final = b'"rows":['  # of what was read back; no operation has any
_BUFFER_BYTES: Final = 1 << 16
_ESCAPE: Final = b"\\"


def payloads(path: Path, wanted: dict[str, set[int]], since_ns: int) -> dict[tuple[str, int], str]:
    """SHA-256 of the payloads of the `wanted` writes (numbers by stream), none recorded before `since_ns`.

    For a ledger that `reader.read` has proven: nothing is checked again.
    """
    missing = {(stream, number) for stream, numbers in wanted.items() for number in numbers}
    found: dict[tuple[str, int], str] = {}
    if not missing:
        return found
    with path.open("rb") as file:
        for line in _lines_since(file, path.stat().st_size, since_ns):
            record = orjson.loads(line)
            if record["kind"] == "operation" and record["act"] == "write":
                key = (record["stream"], record["number"])
                if key in missing:
                    found[key] = record["payload"]
                    missing.discard(key)
                    if not missing:
                        break
    return found


def writes_since(path: Path, stream: str, since_ns: int) -> Iterator[Operation]:
    """The writes of `stream` that were sent at `since_ns` or later. For a ledger that is proven."""
    named = b'"%s"' % stream.encode()
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        for line in _lines_since(file, path.stat().st_size, since_ns):
            # There may be millions of others, and they take time to parse. A name stands there as it is, if
            # nothing in the line is escaped.
            if (named not in line and _ESCAPE not in line) or _ROWS in line:
                continue
            record = orjson.loads(line)
            wanted = record["kind"] == "operation" and record["stream"] == stream and record["act"] == "write"
            if wanted and record["sent_ns"] >= since_ns:
                yield record


def _lines_since(file: BinaryIO, size: int, since_ns: int) -> Iterator[bytes]:
    """The lines from the first one of that instant on: records are in the order of their `ns`, so halve."""
    before, after = 0, size  # the wanted line begins after `before` and not after `after`
    while after - before > 1:
        middle = (before + after) // 2
        file.seek(middle)
        file.readline()
        line = file.readline()
        if line and orjson.loads(line)["ns"] < since_ns:
            before = middle
        else:
            after = middle
    file.seek(before)
    if before:
        file.readline()
    yield from file
