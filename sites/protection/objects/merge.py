"""What a replica lacks, found by reading three sorted streams side by side: never more than a line of each.

Size and time alone miss a change of the same size, so what counts is the store's ETag: of the source against
what the last manifest says of it, of the replica against what it was when its copy was proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Literal, Protocol, TypeVar

from sites.drivers.s3.listing import Listed
from sites.object_manifest import Entry

Why = Literal["new", "changed", "damaged", "same", "gone"]


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


_Item = TypeVar("_Item", bound=_Keyed)


@dataclass(frozen=True, slots=True)
class Seen:
    """One key. new, changed: to be copied. damaged: the replica is not what was proven, to be copied again.

    same: `entry` is proven. gone: the source has it no longer.
    """

    why: Why
    key: str
    source: Listed | None
    replica: Listed | None = None
    entry: Entry | None = None


class _Stream(Generic[_Item]):
    """A sorted stream that is asked for one key after the other."""

    def __init__(self, items: Iterable[_Item]) -> None:
        self._items = iter(items)
        self.head = next(self._items, None)

    def take(self) -> _Item | None:
        taken, self.head = self.head, next(self._items, None)
        return taken

    def at(self, key: str) -> _Item | None:
        return self.take() if self.head is not None and self.head.key == key else None


def seen(source: Iterable[Listed], replica: Iterable[Listed], before: Iterable[Entry] = ()) -> Iterator[Seen]:
    """Every key of the source and of the replica, in order. `before` is the manifest of the last mark."""
    here, there, proven = _Stream(source), _Stream(replica), _Stream(before)
    while here.head is not None or there.head is not None:
        key = min(stream.head.key for stream in (here, there) if stream.head is not None)
        while proven.head is not None and proven.head.key < key:
            proven.take()
        yield _seen(key, here.at(key), there.at(key), proven.at(key))


def _seen(key: str, source: Listed | None, replica: Listed | None, before: Entry | None) -> Seen:
    if source is None:
        return Seen("gone", key, None, replica, before)
    unchanged = before is not None and (before.etag, before.size, before.modified) == (
        source.etag,
        source.size,
        source.modified,
    )
    if replica is None:
        return Seen("damaged" if unchanged else "new", key, source)
    if before is None:
        same = _same_content(source, replica)  # of a run that was cut off, or of somebody else's
        entry = Entry(key, source.size, source.etag, source.modified, replica.etag) if same else None
        return Seen("same" if same else "changed", key, source, replica, entry)
    if not unchanged:
        return Seen("changed", key, source, replica)  # perhaps only in what it says about itself
    if replica.size == source.size and replica.etag and replica.etag == before.replica_etag:
        return Seen("same", key, source, replica, before)
    if _same_content(source, replica):
        return Seen("same", key, source, replica, replace(before, replica_etag=replica.etag, raw=None))
    return Seen("damaged", key, source, replica)


def _same_content(source: Listed, replica: Listed) -> bool:
    """Equal ETags are equal content, be they of one part or of several; unequal ones may be so too."""
    return bool(source.etag) and (source.etag, source.size) == (replica.etag, replica.size)
