"""A restored tree held against the manifest of its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sites.exclusion import Exclusion
from sites.manifest import Manifest
from sites.manifest_scan import Entry, read, walk


@dataclass(frozen=True, slots=True)
class Difference:
    """`field`: kind, size, mode, sha256, target, or error (what was restored cannot be read)."""

    path: str
    field: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`matched` counts entries, `matched_files` the files and links among them.

    `moving` names what differs but moved while it was backed up: no mismatch, and no proof either.
    `unproven` names what the manifest itself could not read.
    """

    matched: int
    matched_files: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    different: tuple[Difference, ...]
    moving: tuple[str, ...]
    unproven: tuple[str, ...]

    @property
    def mismatches(self) -> int:
        return len(self.missing) + len(self.extra) + len(self.different)

    def named(self, limit: int) -> tuple[str, ...]:
        """The first `limit` mismatches, a line each."""
        lines = [f"missing: {path}" for path in self.missing[:limit]]
        lines += [f"extra: {path}" for path in self.extra[:limit]]
        lines += [
            f"different: {d.path} ({d.field} {d.found}, expected {d.expected})"
            for d in self.different[:limit]
        ]
        return tuple(printable(line) for line in lines[:limit])


def printable(text: str) -> str:
    """`text` on one line and in valid UTF-8, whatever file name is in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def compare(manifest: Manifest, restored: Path) -> Comparison:
    """Read the tree at `restored` and compare kind, size, mode, content and link target of every entry.

    Pipes, sockets and devices hold no data and are passed over. Raises OSError when `restored` is not there.
    """
    there = {entry.path: entry for entry in read(restored, walk(restored, Exclusion()).values())}
    matched = matched_files = 0
    missing, different, moving, unproven = [], [], [], []
    for entry in manifest.entries:
        found = there.get(entry.path)
        if entry.kind == "other" and not entry.moving:
            continue
        difference = _difference(entry, found) if found else None
        if found is not None and difference is None and entry.error is None:
            matched += 1
            matched_files += entry.kind in ("file", "symlink")
        elif entry.moving:
            moving.append(entry.path)
        elif entry.error is not None:
            unproven.append(entry.path)
        elif difference is not None:
            different.append(difference)
        else:
            missing.append(entry.path)
    extra, unsure = _extra(manifest, there)
    return Comparison(
        matched,
        matched_files,
        tuple(missing),
        tuple(extra),
        tuple(different),
        (*moving, *unsure),
        tuple(unproven),
    )


def _difference(expected: Entry, found: Entry) -> Difference | None:
    for field in ("error", "kind", "size", "mode", "sha256", "target"):
        if field == "error":
            wanted, got = None, found.error
        else:
            wanted, got = getattr(expected, field), getattr(found, field)
        if wanted != got:
            return Difference(expected.path, field, _shown(field, wanted), _shown(field, got))
    return None


def _shown(field: str, value: object) -> str:
    if isinstance(value, int) and field == "mode":
        return f"{value:04o}"
    return "none" if value is None else str(value)


def _extra(manifest: Manifest, there: dict[str, Entry]) -> tuple[list[str], list[str]]:
    """What was restored without being in the manifest; apart, what lies in a folder we could not see well."""
    known = {entry.path: entry for entry in manifest.entries}
    blind = {path for path, entry in known.items() if entry.moving or entry.error is not None}
    extra: list[str] = []
    unsure: list[str] = []
    for path in sorted(set(there) - set(known)):
        (unsure if blind.intersection(_folders(path)) else extra).append(path)
    return extra, unsure


def _folders(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents)
