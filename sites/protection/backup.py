"""Back up a dataset: look, read it while restic copies it, look again, keep what we saw beside the copy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sites.comparison import printable
from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import OnProgress, Restic
from sites.drivers.restic.results import BackedUp
from sites.errors import NoRepository, RepositoryError
from sites.known_hashes import KnownHashes
from sites.manifest import FirstLook, Manifest, Scan, encode, look, sha256
from sites.points import MANIFEST_NAME, Tags
from sites.protection.first_use import make_if_new
from sites.protection.history import Event, History, failure_kept
from sites.protection.policy import Policy, odd
from sites.protection.staging import Dumpable, Source, ready

_NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class BackupResult:
    """One recovery point made. `snapshot_id` is full; `taken` is when the reading of the source began (UTC).
    `manifest_id` is the full id of the manifest's snapshot, None where that would cost a call of restic's.

    `partial`: something could not be read, named in `unreadable`; the one before stays the newest full point.
    `moving` counts what changed while it was read. Of `seconds`, `dump_seconds` went to a dump,
    `restic_seconds` to restic's backup of the data; `manifest_seconds` took our own reading, most of it at
    the same time. The rest stored the manifest. `odd` says how it differs from the last ones, where by far.
    """

    dataset: str
    repository: str
    snapshot_id: str
    taken: datetime
    ended: datetime
    files: int
    bytes: int
    added_bytes: int
    partial: bool
    unreadable: tuple[str, ...]
    moving: int
    manifest_sha256: str
    seconds: float
    dump_seconds: float
    manifest_seconds: float
    restic_seconds: float
    odd: str | None = None
    manifest_id: str | None = None


def backup(
    dataset: FilesDataset | Dumpable,
    repository: Restic,
    *,
    plan: str,
    staging: Path,
    site: str = "",
    history: History | None = None,
    policy: Policy | None = None,
    on_progress: OnProgress | None = None,
) -> BackupResult:
    """Make a recovery point of `dataset` in `repository`, which is made on its first use.

    A dump is taken of the copy at `site` and lies in a closed folder below `staging` meanwhile. `history`
    gets the outcome. Raises a BlackstartError when there is no new point; the one before stays as it was.
    """
    began = time.monotonic()
    policy = policy or Policy()
    with failure_kept(history, "backup", repository.name, dataset.name), policy.around(dataset.name):
        tags = Tags.fresh(dataset.name, plan, policy.tags)
        with ready(dataset, site, staging) as source:
            result = _back_up(source, repository, tags, history, on_progress, began)
    if history and policy.alarm is not None:
        seen = odd(policy.alarm, _detail(result), dataset.name, history.events())
        result = replace(result, odd=seen)
    if history:
        history.append(_event(result))
    return result


def _back_up(
    source: Source,
    repository: Restic,
    tags: Tags,
    history: History | None,
    on_progress: OnProgress | None,
    began: float,
) -> BackupResult:
    clock = Clock()
    with clock.counting():
        first = look(source.root, source.exclude)
    with _read_beside(first, source.known, clock) as reading:
        made = _into(repository, history, source, tags, on_progress)
        looked = reading.result()
    with clock.counting():
        manifest = looked.settle(tags.dataset, tags.taken_text)
    partial = made.partial or bool(manifest.unreadable)
    with ThreadPoolExecutor(1) as beside:
        kept = beside.submit(source.keep, looked.known(manifest))  # while restic derives its key
        snapshot_id, manifest_id, manifest_sha256 = _seal(repository, made, manifest, tags, partial=partial)
        kept.result()
    return BackupResult(
        dataset=tags.dataset,
        repository=repository.name,
        snapshot_id=snapshot_id,
        taken=tags.taken,
        ended=datetime.now(UTC),
        files=manifest.files,
        bytes=manifest.bytes,
        added_bytes=made.added_bytes,
        partial=partial,
        unreadable=_unreadable(source.root, made, manifest),
        moving=len(manifest.moving),
        manifest_sha256=manifest_sha256,
        seconds=time.monotonic() - began,
        dump_seconds=source.dump_seconds,
        manifest_seconds=clock.seconds,
        restic_seconds=made.seconds,
        manifest_id=manifest_id,
    )


@dataclass(slots=True)
class Clock:
    """How long our own reading was at work, in pieces."""

    seconds: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - began


@contextmanager
def _read_beside(
    first: FirstLook, known: Callable[[], KnownHashes | None], clock: Clock
) -> Iterator[Future[Scan]]:
    """Read the tree while restic does: what changes for either of the two has another time at the last look.

    It ends with what it is beside, whatever becomes of that.
    """
    stop = threading.Event()

    def read() -> Scan:
        with clock.counting():
            return first.read(stop=stop, known=known())

    with ThreadPoolExecutor(1, thread_name_prefix="manifest") as pool:
        try:
            yield pool.submit(read)
        finally:
            stop.set()


def _into(
    repository: Restic,
    history: History | None,
    source: Source,
    tags: Tags,
    on_progress: OnProgress | None,
) -> BackedUp:
    def attempt() -> BackedUp:
        return repository.backup(
            [source.root],
            tags=tags.of_data(),
            exclude=source.exclude.for_restic(source.root),
            on_progress=on_progress,
            resolve=False,
        )

    try:
        return attempt()
    except NoRepository:
        make_if_new(repository, history)
        return attempt()


def _seal(
    repository: Restic, made: BackedUp, manifest: Manifest, tags: Tags, *, partial: bool
) -> tuple[str, str | None, str]:
    """Store the manifest, which makes the snapshot a point. Returns the ids of the two and the SHA-256."""
    encoded = encode(manifest)
    digest = sha256(encoded)
    named = tags.of_manifest(digest, partial=partial)
    # Before 0.15 the full id of a snapshot far away costs a call of its own: side by side they cost one.
    with ThreadPoolExecutor(1) as beside:
        full_id = beside.submit(repository.full_id, made.snapshot_id)
        try:
            kept = repository.backup_text(encoded, MANIFEST_NAME, tags=named)
        except RepositoryError as error:
            raise RepositoryError(
                f'cannot keep the manifest of dataset "{tags.dataset}", so snapshot {made.snapshot_id[:8]} '
                f"counts as no recovery point: {error}",
                hint=error.hint,
            ) from error
        return full_id.result(), repository.id_at_hand(kept.snapshot_id), digest


def _unreadable(root: Path, made: BackedUp, manifest: Manifest) -> tuple[str, ...]:
    ours = {str(root / path) for path in manifest.unreadable}
    return tuple(sorted(printable(path) for path in ours | set(made.unreadable)))


def _event(result: BackupResult) -> Event:
    outcome = "partial" if result.partial else "done"
    return Event("backup", result.repository, outcome, result.dataset, _detail(result))


def _detail(result: BackupResult) -> dict[str, Any]:
    return {
        "snapshot_id": result.snapshot_id,
        **({"manifest_id": result.manifest_id} if result.manifest_id else {}),
        "taken": result.taken.isoformat(),
        "files": result.files,
        "bytes": result.bytes,
        "added_bytes": result.added_bytes,
        "moving": result.moving,
        "unreadable": list(result.unreadable[:_NAMED_MAX]),
        "seconds": round(result.seconds, 3),
        **({"odd": result.odd} if result.odd else {}),
    }
