"""Prove a bucket's replica: read every object back from it, and hold it against the manifest of its mark.

The source is never asked. An object counts that is proven by SHA-256, by MD5 (an ETag of one part) or by the
ETag of its parts, laid out as the source's were; where only the size is known it is *inconclusive*.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from sites.comparison import printable
from sites.drivers.s3 import marks
from sites.drivers.s3.content import Content, content_of
from sites.drivers.s3.dataset import ObjectsDataset
from sites.drivers.s3.listing import Listed, first, listing
from sites.drivers.s3.marks import UNDER_WAY, Mark
from sites.errors import BucketError
from sites.object_manifest import Entry, entries, in_order, is_in_parts, is_md5
from sites.protection.history import History
from sites.protection.objects.carrying import side_by_side
from sites.protection.objects.keeping import download
from sites.protection.tested import RestoreTestResult, event_of
from sites.restored import Answer, Question, answers

_NAMED_MAX = 20


@dataclass(slots=True)
class _Seen:
    """What the comparison came to so far."""

    matched: int = 0
    bytes: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    unproven: int = 0
    moving: int = 0
    named: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def name(self, line: str) -> None:
        if len(self.named) < _NAMED_MAX:
            self.named.append(printable(line))

    @contextmanager
    def catching(self) -> Iterator[None]:
        """What is damaged is missed where it is found; any other failure leaves the question open."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  a check that could not run proves nothing either way
            self.unknown.append(str(error) or type(error).__name__)


def restore_test_objects(
    dataset: ObjectsDataset,
    scratch: Path,
    *,
    history: History | None = None,
    questions: Sequence[Question] = (),
) -> RestoreTestResult:
    """Read back what the newest mark at the replica promises, and compare. `history` gets the result.

    With `questions` the objects lie in a folder of their own below `scratch`, each in a file of its key,
    while they are asked. Raises nothing for what went wrong: that is the verdict.
    """
    seen, replica = _Seen(), dataset.replica
    result = RestoreTestResult(dataset.name, dataset.kept_in, "inconclusive", "not begun")
    began = time.monotonic()
    with seen.catching(), _folder(scratch, dataset.name) as folder:
        mark = marks.newest(replica)
        _refuse_older(dataset, mark, history, seen)
        if mark is None:
            seen.missed.append(f'bucket "{replica.name}" has no mark, so nothing that arrived whole')
        else:
            result = replace(result, snapshot_id=f"mark-{mark.number}", taken=mark.taken)
            found = _answers(dataset, mark, folder, seen, questions)
            result = replace(result, answers=tuple(found))
    result = replace(
        result,
        matched=seen.matched,
        missing=seen.missing,
        extra=seen.extra,
        different=seen.different,
        moving=seen.moving,
        unproven=seen.unproven,
        mismatches=tuple(seen.named),
        seconds=time.monotonic() - began,
        bytes=seen.bytes,
    )
    result = _judged(result, seen)
    if history:
        history.append(event_of(result))
    return result


def _refuse_older(dataset: ObjectsDataset, mark: Mark | None, history: History | None, seen: _Seen) -> None:
    """A mark that has arrived and is gone is a loss, though an older one may still be whole."""
    name = dataset.replica.name
    events = history.events() if history else []
    arrived = max(
        (
            int(event.detail.get("mark") or 0)
            for event in events
            if (event.kind, event.dataset, event.repository) == ("replication", dataset.name, dataset.kept_in)
        ),
        default=0,
    )
    if mark is not None and mark.number < arrived:
        seen.missed.append(f'mark {arrived} had arrived in bucket "{name}" and is gone')


def _answers(
    dataset: ObjectsDataset, mark: Mark, folder: Path, seen: _Seen, questions: Sequence[Question]
) -> list[Answer]:
    manifest = folder / "manifest.gz"
    if not download(dataset.replica, mark, manifest):
        seen.unknown.append(f"the manifest of mark {mark.number} is not there")
        return []
    run = _last_run(dataset, mark)
    into = folder / "objects" if questions else None
    _compare(dataset, in_order(entries(manifest, mark.manifest)), seen, run, into=into)
    if not seen.matched:
        seen.unknown.append("not one object was there to compare")
    if into is None:
        return []
    into.mkdir(exist_ok=True)
    found = answers(questions, dataset, into, folder)
    seen.missed.extend(f"{a.name}: {a.said}" for a in found if a.verdict == "missed")
    seen.unknown.extend(f"{a.name}: {a.said}" for a in found if a.verdict == "inconclusive")
    return found


@dataclass(frozen=True, slots=True)
class _Run:
    """The last replication that put something there: whether it is later than the mark, and when it began.

    `began` is by the replica's own clock, as it lists it; "" where that is not known.
    """

    later: bool
    began: str


def _last_run(dataset: ObjectsDataset, mark: Mark) -> _Run:
    begun, listed = marks.read(dataset.replica, UNDER_WAY), first(dataset.replica, UNDER_WAY)
    later = begun is not None and begun.number > mark.number
    return _Run(later, listed.modified if listed is not None else "")


def _compare(
    dataset: ObjectsDataset, expected: Iterator[Entry], seen: _Seen, run: _Run, *, into: Path | None
) -> None:
    """Go through manifest and bucket side by side, in the order of the keys."""

    def read(pair: tuple[Entry, Listed]) -> Content | BucketError:
        try:
            to = _file(into, pair[0].key) if into is not None else None
            return content_of(dataset.replica, pair[0].key, pair[0].part_bytes, to)
        except BucketError as error:
            return error

    pairs = _pairs(expected, listing(dataset.replica), dataset, seen, run)
    for (entry, listed), content in side_by_side(read, pairs, dataset.workers):
        if isinstance(content, BucketError):
            seen.unproven += 1
            seen.name(f"cannot be read: {entry.key}: {content}")
            continue
        wrong, proof = differs(entry, content)
        seen.bytes += content.size
        if wrong is None and proof is not None:
            seen.matched += 1
        elif wrong is None:
            seen.unproven += 1
            seen.name(f"unproven: {entry.key} has its size, and nothing else is known of it")
        elif run.later and listed.etag != entry.replica_etag:
            seen.moving += 1
        else:
            seen.different += 1
            seen.name(f"different: {entry.key} ({wrong})")


def _pairs(
    expected: Iterator[Entry], listed: Iterator[Listed], dataset: ObjectsDataset, seen: _Seen, run: _Run
) -> Iterator[tuple[Entry, Listed]]:
    there = next(listed, None)
    for entry in expected:
        while there is not None and there.key < entry.key:
            _extra(there, dataset, seen, run)
            there = next(listed, None)
        if there is not None and there.key == entry.key:
            yield entry, there
            there = next(listed, None)
        elif run.later and dataset.deletions == "follow":
            seen.moving += 1
        else:
            seen.missing += 1
            seen.name(f"missing: {entry.key}")
    while there is not None:
        _extra(there, dataset, seen, run)
        there = next(listed, None)


def _extra(there: Listed, dataset: ObjectsDataset, seen: _Seen, run: _Run) -> None:
    """Where deletions follow nothing older may lie there; else it is what was deleted at the source.

    What came with the last run or after it was new at the source when that had listed it already.
    """
    old = not run.began or there.modified < run.began
    if dataset.deletions == "follow" and not run.later and old:
        seen.extra += 1
        seen.name(f"extra: {there.key}")


def differs(entry: Entry, content: Content) -> tuple[str | None, str | None]:
    """What is wrong with an object that came back, and what proves it: SHA-256, MD5 or the ETag of its parts.

    Both None: of another layout, nothing can be said. An ETag in parts is never held against one of a piece.
    """
    if content.size != entry.size:
        return f"size {content.size}, expected {entry.size}", None
    if entry.sha256 is not None:
        right = content.sha256 == entry.sha256
        wrong = None if right else f"sha256 {content.sha256}, expected {entry.sha256}"
        if right and entry.about is not None and content.about != entry.about:
            wrong = "its metadata or tags are others"
        return wrong, "sha256"
    if is_md5(entry.etag):
        if content.md5 == entry.etag:
            return None, "md5"
        return f"md5 {content.md5}, expected {entry.etag}", None
    if is_in_parts(entry.etag) and content.etag == entry.etag:
        return None, "parts"
    return None, None


def _judged(result: RestoreTestResult, seen: _Seen) -> RestoreTestResult:
    missed, unknown = list(seen.missed), list(seen.unknown)
    result = replace(result, damaged=seen.missing + seen.different > 0)
    if wrong := seen.missing + seen.different + seen.extra:
        missed.append(f"{wrong} objects do not match the manifest")
    if seen.unproven:
        unknown.append(f"{seen.unproven} objects could not be proven")
    if seen.moving:
        unknown.append(f"{seen.moving} objects were replaced by a later replication that is not over")
    if missed:
        return replace(result, verdict="missed", reason="; ".join(missed))
    if unknown:
        return replace(result, verdict="inconclusive", reason="; ".join(unknown))
    asked = f", {len(result.answers)} of {len(result.answers)} checks met" if result.answers else ""
    return replace(result, verdict="met", reason=f"all {seen.matched} objects match the manifest{asked}")


def _file(into: Path, key: str) -> Path:
    """Where an object lies for the user's checks: its key, but never outside of `into`, nor too long."""
    steps = [_step(step) for step in key.split("/")]
    path = into.joinpath(*steps)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _step(step: str) -> str:
    if step in ("", ".", ".."):
        return f"%{step.encode().hex() or '00'}"
    text = "".join(c if c.isprintable() and c != "%" else f"%{c.encode().hex()}" for c in step)
    return text if len(text.encode()) <= 200 else f"{text[:40]}%{sha256(step.encode()).hexdigest()[:32]}"


@contextmanager
def _folder(scratch: Path, name: str) -> Iterator[Path]:
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f"restore-test-{name}-", dir=scratch))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
