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
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sites.errors import DatasetError
from sites.exclusion import Exclusion
from sites.manifest_scan import Entry, Found, read, wait_out_the_tick, walk

SCHEMA = "blackstart/manifest/1"
_DEFAULTS = {"sha256": None, "target": None, "moving": False, "error": None}
_KEYS = frozenset(field.name for field in fields(Entry))


class ManifestError(DatasetError):
    """A manifest is not what it should be: torn, altered, or of a schema unknown here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`taken` is the UTC time (ISO 8601) from which on the source was read: nothing in it is older news."""

    dataset: str
    taken: str
    entries: tuple[Entry, ...]

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
    """A first look at a tree, to be settled by a second one once the backup has read it."""

    root: Path
    exclude: Exclusion
    found: dict[str, Found]
    entries: tuple[Entry, ...]

    def settle(self, dataset: str, taken: str) -> Manifest:
        """Look again without reading: whatever changed, came or went since the first look is moving."""
        try:
            now = walk(self.root, self.exclude)
        except OSError:
            now = {}  # the root itself is gone: everything moved
        entries = [self._settled(entry, now.get(entry.path)) for entry in self.entries]
        came = (replace(found.entry, moving=True) for path, found in now.items() if path not in self.found)
        return Manifest(dataset, taken, _ordered([*entries, *came]))

    def _settled(self, entry: Entry, now: Found | None) -> Entry:
        still = now is not None and now.signature == self.found[entry.path].signature
        return entry if still else replace(entry, moving=True)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What was met below `root`, its content unread as yet."""

    root: Path
    exclude: Exclusion
    found: dict[str, Found]

    def read(self, *, threads: int | None = None, stop: threading.Event | None = None) -> Scan:
        """Read all of it. It may be done beside a backup: whatever changes from the look on shows.

        Once `stop` is set, what comes is of no use.
        """
        entries = read(self.root, self.found.values(), threads=threads, stop=stop)
        return Scan(self.root, self.exclude, self.found, _ordered(entries))


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
        manifest = Manifest(header["dataset"], header["taken"], entries)
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
            "entries": len(manifest.entries),
            "files": manifest.files,
            "bytes": manifest.bytes,
            "moving": len(manifest.moving),
            "unreadable": len(manifest.unreadable),
        }
    )
    for entry in manifest.entries:
        record = {key: value for key, value in asdict(entry).items() if value != _DEFAULTS.get(key, ...)}
        yield _line(record | {"mode": f"{entry.mode:04o}"})


def _line(record: dict[str, Any]) -> bytes:
    # ASCII escapes keep names that are no UTF-8: a lone surrogate has an escape but no UTF-8 form.
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _entry(record: dict[str, Any]) -> Entry:
    if unknown := set(record) - _KEYS:
        raise ManifestError(f"manifest has unknown fields: {', '.join(sorted(unknown))}")
    return Entry(**{**record, "mode": int(record["mode"], 8)})
