"""An independent manifest of a tree: what the backup tool's copy is held against.

It is computed from the source by our own reading, so that an error of the backup tool's cannot hide in
it. On disk it is JSON Lines in ASCII: a header (schema, dataset, counts, what could not be read), then
one line an entry in the byte order of the paths. Its SHA-256 travels apart from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sites.errors import DatasetError
from sites.exclusion import Exclusion
from sites.known_hashes import KnownHashes, Read, entry_of
from sites.manifest_scan import Entry, Found, read, wait_out_the_tick, walk

SCHEMA = "blackstart/manifest/1"
_DEFAULTS = {"sha256": None, "target": None, "moving": False, "error": None}
_KEYS = tuple(field.name for field in fields(Entry))
# ASCII escapes keep names that are no UTF-8: a lone surrogate has an escape but no UTF-8 form.
_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


class ManifestError(DatasetError):
    """A manifest is not what it should be: torn, altered, or of a schema unknown here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`taken` is the UTC time (ISO 8601) from which on the source was read: nothing in it is older news.

    `read_since`: no content was read before that (UTC); what was, showed no change since. None: all was read
    from `taken` on.
    """

    dataset: str
    taken: str
    entries: tuple[Entry, ...]
    read_since: str | None = None

    @property
    def files(self) -> int:
        return sum(entry.kind == "file" for entry in self.entries)

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def moving(self) -> tuple[str, ...]:
        return tuple(entry.path for entry in self.entries if entry.moving)

    @property
    def unreadable(self) -> tuple[str, ...]:
        return tuple(entry.path for entry in self.entries if entry.error is not None)


@dataclass(frozen=True, slots=True)
class Scan:
    """A first look at a tree, to be settled by a second one once the backup has read it.

    `read` says of each file when what it holds was read.
    """

    root: Path
    exclude: Exclusion
    found: dict[str, Found]
    entries: tuple[Entry, ...]
    read: dict[str, Read]
    began_ns: int

    def settle(self, dataset: str, taken: str) -> Manifest:
        """Look again without reading: whatever changed, came or went since the first look is moving."""
        try:
            now = walk(self.root, self.exclude)
        except OSError:
            now = {}  # the root itself is gone: everything moved
        entries = [self._settled(entry, now.get(entry.path)) for entry in self.entries]
        came = (replace(found.entry, moving=True) for path, found in now.items() if path not in self.found)
        return Manifest(dataset, taken, _ordered([*entries, *came]), self._read_since())

    def known(self, manifest: Manifest) -> Iterator[tuple[str, Read]]:
        """What a later look may go by: all that was read, and has not moved since by the `manifest`."""
        moved = set(manifest.moving)
        return ((path, read) for path, read in self.read.items() if path not in moved)

    def _read_since(self) -> str | None:
        oldest_ns = min((read.at_ns for read in self.read.values()), default=self.began_ns)
        if oldest_ns >= self.began_ns:
            return None
        return datetime.fromtimestamp(oldest_ns // 1_000_000_000, UTC).isoformat().replace("+00:00", "Z")

    def _settled(self, entry: Entry, now: Found | None) -> Entry:
        still = now is not None and now.signature == self.found[entry.path].signature
        return entry if still else replace(entry, moving=True)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What was met below `root`, its content unread as yet."""

    root: Path
    exclude: Exclusion
    found: dict[str, Found]

    def read(
        self,
        *,
        threads: int | None = None,
        stop: threading.Event | None = None,
        known: KnownHashes | None = None,
    ) -> Scan:
        """Read all but what is `known`. It may be done beside a backup: what changes from the look on shows.

        Once `stop` is set, what comes is of no use.
        """
        began_ns = time.time_ns()
        held = known.of(self.found, began_ns) if known is not None else {}
        left = [item for path, item in self.found.items() if path not in held]
        entries = read(self.root, left, threads=threads, stop=stop)
        fresh = {
            entry.path: Read(self.found[entry.path].signature, entry.sha256, began_ns)
            for entry in entries
            if entry.sha256 is not None and not entry.moving
        }
        carried = [entry_of(self.found[path], one) for path, one in held.items()]
        whole = _ordered([*entries, *carried])
        return Scan(self.root, self.exclude, self.found, whole, {**held, **fresh}, began_ns)


def scan(root: Path, exclude: Exclusion | None = None, *, threads: int | None = None) -> Scan:
    """Read the whole tree below `root`. Raises DatasetError when `root` is no folder that can be read."""
    return look(root, exclude).read(threads=threads)


def look(root: Path, exclude: Exclusion | None = None) -> FirstLook:
    """Meet everything below `root`. Raises DatasetError when `root` is no folder that can be read."""
    leave_out = exclude or Exclusion()
    try:
        if not root.is_dir():
            raise DatasetError(f'cannot read "{root}": no such folder')
        found = walk(root, leave_out)
    except OSError as error:
        raise DatasetError(f'cannot read "{root}": {error.strerror}') from error
    wait_out_the_tick(found.values())
    return FirstLook(root, leave_out, found)


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON Lines, the same bytes for the same manifest."""
    return b"".join(_lines(manifest))


def sha256(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()


def decode(encoded: bytes, *, expected_sha256: str | None = None) -> Manifest:
    """Raises ManifestError when the bytes are torn, altered, or of another schema."""
    if expected_sha256 is not None and sha256(encoded) != expected_sha256:
        raise ManifestError("manifest was altered: its SHA-256 is not the recorded one")
    lines = encoded.splitlines()
    try:
        header = json.loads(lines[0]) if lines else {}
        if header.get("schema") != SCHEMA:
            raise ManifestError(
                f"manifest has schema {header.get('schema')!r}; this version reads {SCHEMA!r}"
            )
        entries = tuple(_entry(json.loads(line)) for line in lines[1:])
        manifest = Manifest(header["dataset"], header["taken"], entries, header.get("read_since"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"manifest cannot be read: {error}") from error
    if (header.get("entries"), header.get("bytes")) != (len(entries), manifest.bytes):
        raise ManifestError(f"manifest is torn: {len(entries)} of {header.get('entries')} entries are there")
    return manifest


def _ordered(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: os.fsencode(entry.path)))


def _lines(manifest: Manifest) -> Iterator[bytes]:
    yield _line(
        {
            "schema": SCHEMA,
            "dataset": manifest.dataset,
            "taken": manifest.taken,
            **({"read_since": manifest.read_since} if manifest.read_since else {}),
            "entries": len(manifest.entries),
            "files": manifest.files,
            "bytes": manifest.bytes,
            "moving": len(manifest.moving),
            "unreadable": len(manifest.unreadable),
        }
    )
    for entry in manifest.entries:
        told = ((key, getattr(entry, key)) for key in _KEYS)
        record = {key: value for key, value in told if value != _DEFAULTS.get(key, ...)}
        yield _line(record | {"mode": f"{entry.mode:04o}"})


def _line(record: dict[str, Any]) -> bytes:
    return _JSON.encode(record).encode("ascii") + b"\n"


def _entry(record: dict[str, Any]) -> Entry:
    if unknown := record.keys() - set(_KEYS):
        raise ManifestError(f"manifest has unknown fields: {', '.join(sorted(unknown))}")
    return Entry(**{**record, "mode": int(record["mode"], 8)})
