"""Hashes of files that we read before and that show no change since: an unchanged tree is not read each time.

A file counts as unchanged if its kind, mode, size, both of its times and its inode are those that it had when
it was read, and if it had been left alone for a while by then: what is written through a mapping of memory
may show in no time before the kernel has written it out. Times do not show all, a disk's rot least of any.
So no reading counts for more than a day: each file is read again within that, some of them in each backup.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from sites.manifest_scan import Entry, Found, Signature

SCHEMA = "blackstart/hashes/1"
LEFT_ALONE_NS = 60 * 1_000_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
TRUSTED_NS = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """One file as it was read: what it showed then, and when that was (UTC, in ns)."""

    signature: Signature
    sha256: str
    at_ns: int

    def holds(self, found: Found, now_ns: int) -> bool:
        """Whether its content need not be read again. Some are read sooner, so that not all come at once."""
        share = (int(self.sha256[:4], 16) + (1 << 16)) / (1 << 17)  # 1/2 to 1
        return (
            self.signature == found.signature
            and self.at_ns - found.signature[3] >= LEFT_ALONE_NS
            and 0 <= now_ns - self.at_ns < TRUSTED_NS * share
        )


@dataclass(frozen=True, slots=True)
class KnownHashes:
    """What was read of one tree, by path."""

    read: Mapping[str, Read]

    def of(self, found: Mapping[str, Found], now_ns: int) -> dict[str, Read]:
        """Those that still hold."""
        known = ((path, self.read.get(path), item) for path, item in found.items())
        return {path: read for path, read, item in known if read is not None and read.holds(item, now_ns)}


def entry_of(found: Found, read: Read) -> Entry:
    return replace(found.entry, sha256=read.sha256)


def load(path: Path, root: Path) -> KnownHashes:
    """What the last backup of `root` read; nothing where that is not there, torn, or of another tree."""
    try:
        header, *rows = path.read_bytes().splitlines()
        read = dict(_row(json.loads(row)) for row in rows)
        return KnownHashes(read if json.loads(header) == _header(root, len(read)) else {})
    except (OSError, ValueError, TypeError, LookupError):
        return KnownHashes({})  # it saves time and is no evidence: all is read anew


def save(path: Path, root: Path, read: Iterable[tuple[str, Read]]) -> None:
    """Raises OSError."""
    rows = [[name, one.signature, one.sha256, one.at_ns] for name, one in read]
    lines = [json.dumps(line) for line in (_header(root, len(rows)), *rows)]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, part = mkstemp(prefix=path.name, dir=path.parent)  # two backups may end at once
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _row(row: list[Any]) -> tuple[str, Read]:
    name, (mode, size, mtime_ns, ctime_ns, inode), sha256, at_ns = row
    if _SHA256.fullmatch(sha256) is None:
        raise ValueError(sha256)
    signature = (int(mode), int(size), int(mtime_ns), int(ctime_ns), int(inode))
    return str(name), Read(signature, sha256, int(at_ns))


def _header(root: Path, count: int) -> dict[str, object]:
    place = os.fsencode(root).hex()
    return {"schema": SCHEMA, "root": place, "dev": root.stat().st_dev, "files": count}
