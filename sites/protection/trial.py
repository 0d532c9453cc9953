"""Restore one point apart, and hold what came back against its manifest and the user's questions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from sites.comparison import Comparison, compare
from sites.drivers.files import FilesDataset
from sites.drivers.restic.repository import OnProgress, Restic
from sites.errors import BlackstartError
from sites.manifest import Manifest, ManifestError, decode
from sites.points import DUMP_NAME, MANIFEST_NAME, Point
from sites.protection.staging import Dumpable
from sites.protection.tested import Doubt, RestoreTestResult
from sites.restored import Answer, Question, answers

_NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """Of what a point is restored, from where, to below which folder, and what is asked of it then."""

    dataset: FilesDataset | Dumpable
    repository: Restic
    scratch: Path
    questions: Sequence[Question] = ()
    on_progress: OnProgress | None = None

    def of(self, point: Point, doubt: Doubt, result: RestoreTestResult) -> RestoreTestResult:
        """`result` with what came out; what speaks against it goes to `doubt`, which has nothing in it yet.

        Raises nothing for that.
        """
        named = replace(
            result, snapshot_id=point.snapshot.first_id, copy_id=point.snapshot.id, taken=point.taken
        )
        ask = partial(_asked, self.dataset, self.questions, self.scratch)
        return _test(self, point, named, doubt, ask)


def _test(
    trial: Trial,
    point: Point,
    result: RestoreTestResult,
    doubt: Doubt,
    ask: Callable[[Path], tuple[Answer, ...]],
) -> RestoreTestResult:
    repository, dataset = trial.repository, trial.dataset
    if point.lacks:
        doubt.unknown.append(f"snapshot {point.snapshot.first_id[:8]} {point.lacks}")
    manifest = _manifest(repository, point, doubt)
    with doubt.catching(), _folder(trial.scratch, dataset, manifest) as folder:
        seconds = repository.restore(point.snapshot.id, folder, on_progress=trial.on_progress).seconds
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
    # what the user's checks say is about the content, good or bad as it came from the source
    result = replace(result, damaged=bool(doubt.missed))
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
    if len(found.moving) > found.matched:
        said = f"{len(found.moving)} entries moved while they were backed up, and only {found.matched} match"
        doubt.unknown.append(f"{said}: `before` in the plan can hold them still")
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
