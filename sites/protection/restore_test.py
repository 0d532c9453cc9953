"""Prove that a dataset can be restored at DR: restore the newest copied point, apart, and compare it.

The verdict is *met* only if every entry of the manifest taken at the source came back. Damage, a missing
file or no point at all is *missed*. What could not be looked at is *inconclusive*, never met.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from sites.comparison import Comparison, compare
from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import OnProgress, Restic
from sites.errors import BlackstartError
from sites.manifest import Manifest, ManifestError, decode
from sites.points import DUMP_NAME, MANIFEST_NAME, Foreign, Point, points
from sites.protection.history import History
from sites.protection.staging import Dumpable
from sites.protection.tested import Doubt, RestoreTestResult, event_of
from sites.restored import Answer, Question, answers

_NAMED_MAX = 20


def restore_test(
    dataset: FilesDataset | Dumpable,
    repository: Restic,
    scratch: Path,
    *,
    history: History | None = None,
    copied_only: bool = True,
    questions: Sequence[Question] = (),
    foreign: Foreign | None = None,
    on_progress: OnProgress | None = None,
) -> RestoreTestResult:
    """Restore the newest point of `dataset` from `repository` into a folder of its own below `scratch`.

    What came back is compared, opened if it is a dump, and then asked the user's `questions`.

    With `copied_only` only points that were copied here count, as they do at DR. The local cache is not
    used, so damage cannot hide behind it. The folder is removed afterwards. `history` gets the result.
    Raises nothing for what went wrong with the restore: that is the verdict.
    """
    doubt = Doubt()
    result = RestoreTestResult(dataset.name, repository.name, "inconclusive", "not begun")
    with doubt.catching():
        listing = repository.uncached().snapshots()
        if listing.unreadable:
            doubt.unknown.append(f"snapshots {', '.join(listing.unreadable)} cannot be read, of any dataset")
        found = points(listing.snapshots, dataset.name, foreign)
        found = [p for p in found if p.copied or p.foreign or not copied_only]
        _refuse_older(dataset.name, repository.name, found, history, doubt)
        if found:
            result = _identified(result, found[-1])
            ask = partial(_asked, dataset, questions, scratch)
            result = _test(
                dataset, repository.uncached(), found[-1], scratch, result, doubt, ask, on_progress
            )
        else:
            doubt.missed.append(f'repository "{repository.name}" has no copied snapshot of it')
    result = doubt.judged(result)
    if history:
        history.append(event_of(result))
    return result


def _refuse_older(
    dataset: str, repository: str, found: Sequence[Point], history: History | None, doubt: Doubt
) -> None:
    """A point that has arrived and is gone is a loss, though an older one may still come back."""
    event = history.last("replication", repository=repository, outcomes=("done",)) if history else None
    arrived = event.detail.get("newest", {}).get(dataset) if event else None
    if arrived and not any(point.taken >= datetime.fromisoformat(arrived) for point in found):
        doubt.missed.append(f'the point of {arrived} had arrived in "{repository}" and is gone')


def _identified(result: RestoreTestResult, point: Point) -> RestoreTestResult:
    return replace(result, snapshot_id=point.snapshot.first_id, copy_id=point.snapshot.id, taken=point.taken)


def _test(
    dataset: FilesDataset | Dumpable,
    repository: Restic,
    point: Point,
    scratch: Path,
    result: RestoreTestResult,
    doubt: Doubt,
    ask: Callable[[Path], tuple[Answer, ...]],
    on_progress: OnProgress | None,
) -> RestoreTestResult:
    if point.lacks:
        doubt.unknown.append(f"snapshot {point.snapshot.first_id[:8]} {point.lacks}")
    manifest = _manifest(repository, point, doubt)
    with doubt.catching(), _folder(scratch, dataset, manifest) as folder:
        seconds = repository.restore(point.snapshot.id, folder, on_progress=on_progress).seconds
        result = replace(result, seconds=seconds, bytes=manifest.bytes if manifest else 0)
        root = point.root_in(folder)
        if not root.is_dir():
            doubt.missed.append("the snapshot holds nothing of the dataset")
        elif manifest is not None:
            result = _compared(result, compare(manifest, root), doubt)
        elif point.foreign:
            result = _counted(result, root, doubt)
        if not isinstance(dataset, FilesDataset):
            dataset.check_dump(root / DUMP_NAME)
        result = replace(result, answers=ask(root))
    if point.foreign and not result.answers:
        doubt.unknown.append("it came back, but nothing says what it should be: the dataset has no `checks`")
    doubt.heard(result.answers)
    return result


def _counted(result: RestoreTestResult, root: Path, doubt: Doubt) -> RestoreTestResult:
    """Somebody else's backup has no manifest: what came back is counted, and the user's checks decide."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    if not files:
        doubt.missed.append("not one file came back")
    return replace(result, restored_files=len(files), bytes=sum(path.stat().st_size for path in files))


def _asked(
    dataset: FilesDataset | Dumpable, questions: Sequence[Question], scratch: Path, root: Path
) -> tuple[Answer, ...]:
    """Of files the folder is asked, of a dump the dump. The comparison is over: it may be changed."""
    restored = root if isinstance(dataset, FilesDataset) else root / DUMP_NAME
    return tuple(answers(questions, dataset, restored, scratch))


def _manifest(repository: Restic, point: Point, doubt: Doubt) -> Manifest | None:
    """The manifest from the same repository, checked against the hash that was kept apart from it."""
    if point.manifest is None:
        return None
    try:
        text = repository.dump_text(point.manifest.id, f"/{MANIFEST_NAME}")
        return decode(text.encode(), expected_sha256=point.manifest.tagged("sha256") or "missing")
    except (BlackstartError, ManifestError) as error:
        doubt.unknown.append(f"the manifest cannot be had: {error}")
        return None


@contextmanager
def _folder(scratch: Path, dataset: FilesDataset | Dumpable, manifest: Manifest | None) -> Iterator[Path]:
    """A closed folder of our own, apart from the source, removed whatever happens."""
    scratch.mkdir(parents=True, exist_ok=True)
    if isinstance(dataset, FilesDataset) and scratch.resolve().is_relative_to(dataset.path.resolve()):
        raise OSError(f"{scratch} lies inside the source: a restore test never touches that")
    free_bytes = shutil.disk_usage(scratch).free
    if manifest and manifest.bytes > free_bytes:
        raise OSError(f"{scratch} has {free_bytes} bytes free; the restore needs {manifest.bytes}")
    folder = Path(mkdtemp(prefix=f"restore-test-{dataset.name}-", dir=scratch))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, onerror=_open_and_retry)


def _open_and_retry(remove: Callable[[str], object], path: str, _: object) -> None:
    """A restored folder may be closed even to its owner."""
    for closed in (Path(path).parent, Path(path)):
        if not closed.is_symlink():
            closed.chmod(0o700)
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        remove(path)


def _compared(result: RestoreTestResult, found: Comparison, doubt: Doubt) -> RestoreTestResult:
    if found.mismatches:
        doubt.missed.append(f"{found.mismatches} entries do not match the manifest")
    if found.unproven:
        doubt.unknown.append(f"{len(found.unproven)} entries could not be read at the source")
    if not found.matched_files:
        doubt.unknown.append("not one file was there to compare")
    return replace(
        result,
        matched=found.matched,
        missing=len(found.missing),
        extra=len(found.extra),
        different=len(found.different),
        moving=len(found.moving),
        unproven=len(found.unproven),
        mismatches=found.named(_NAMED_MAX),
    )
