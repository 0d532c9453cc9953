"""restic, 0.14 and later: one binary bound to one repository, typed results, named errors.

What differs between versions is in `version`, what restic says in `results`, how it fails in `failure`.
Snapshots are always named by their full id: a prefix, or "latest", can be another one's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sites.drivers.restic.call import How, ResticCall
from sites.drivers.restic.results import (
    FULL_ID,
    BackedUp,
    Checked,
    Copied,
    Listing,
    Progress,
    RestoredTree,
    Stats,
    json_line,
    read_backed_up,
    read_checked,
    read_forgotten,
    read_object,
    read_progress,
    read_restored,
    read_snapshots,
    read_stats,
)
from sites.errors import MissingSource, NoRepository, RepositoryError

OnProgress = Callable[[Progress], None]
_PARTIAL = 3
_BATCH = 1000  # the ids of one call must fit its command line


@dataclass(frozen=True, slots=True)
class Keep:
    """How many snapshots to keep of each kind; one that any rule wants is kept."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    def arguments(self) -> list[str]:
        """Raises RepositoryError when nothing at all would be kept."""
        wanted = [(name, getattr(self, name)) for name in self.__slots__]
        rules = [word for name, count in wanted if count for word in (f"--keep-{name}", str(count))]
        if not rules:
            raise RepositoryError(
                "a retention that keeps nothing is refused", hint="keep at least one snapshot"
            )
        return rules


class Restic(ResticCall):
    """Operations on one repository. All raise a RepositoryError named after what happened."""

    def init(self, copy_of: ResticCall | None = None) -> None:
        """Make the repository; with the chunker parameters of `copy_of`, so that copies share their data."""
        arguments = ["init"]
        if copy_of is not None:
            arguments += [*copy_of.from_repository(), "--copy-chunker-params"]
        self._call("initialise it", arguments, How(source=copy_of))

    def snapshots(self, *, tags: Sequence[str] = ()) -> Listing:
        """All snapshots, oldest first; with `tags`, those that have every one of them."""
        arguments = ["snapshots", *(["--tag", ",".join(tags)] if tags else [])]
        # Without a lock it is quicker, and somebody's pruning does not keep us from knowing what is there.
        done = self.unlocked()._call("list snapshots", arguments)
        if read_snapshots(done.stdout, done.stderr).unreadable and self.lock:
            done = self._call("list snapshots", arguments)  # one may just have been forgotten
        listing = read_snapshots(done.stdout, done.stderr)
        return replace(listing, snapshots=tuple(sorted(listing.snapshots, key=lambda s: s.time)))

    def backup(
        self,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_progress: OnProgress | None = None,
        resolve: bool = True,
    ) -> BackedUp:
        """Back up `paths` (absolute, no links) as one snapshot.

        With `resolve=False` the snapshot's id is as this restic says it: 8 characters before 0.15.
        Raises MissingSource when a path is not there, before restic runs or after it has.
        """
        _refuse_missing(paths)
        options = [f"--exclude={pattern}" for pattern in exclude] + _tags(tags)
        shown = ", ".join(str(path) for path in paths)
        done = self._call(
            f"back up {shown}",
            ["backup", "--host", self.host, *options, "--", *map(str, paths)],
            How(on_line=_listener(on_progress), transfer=True, ok_codes=(0, _PARTIAL)),
        )
        made = read_backed_up(
            done.stdout, done.stderr, partial=done.exit_code == _PARTIAL, seconds=done.seconds
        )
        # Before 0.19 a path that went away just then is skipped with exit 0.
        if "does not exist, skipping" in done.stderr or not all(os.path.lexists(path) for path in paths):
            raise MissingSource(
                f"cannot back up {shown}: it went away meanwhile; snapshot {made.snapshot_id} lacks it"
            )
        return replace(made, snapshot_id=self.full_id(made.snapshot_id)) if resolve else made

    def backup_text(self, content: bytes, filename: str, *, tags: Sequence[str] = ()) -> BackedUp:
        """Back up `content` as a snapshot of one file, `/filename`. Its id may be short, as in `backup`."""
        if not content:
            raise RepositoryError(f'cannot back up "{filename}": it is empty')
        arguments = ["backup", "--host", self.host, *_tags(tags), "--stdin", "--stdin-filename", filename]
        done = self._call(f'back up "{filename}"', arguments, How(text=content, transfer=True))
        return read_backed_up(done.stdout, done.stderr, partial=False, seconds=done.seconds)

    def copy(self, source: ResticCall, snapshot_ids: Sequence[str]) -> Copied:
        """Copy snapshots (full ids) from `source` into this repository.

        Each gets a new id here and carries the first one as `original`. What is here already stays as it is.
        """
        ids = [_full(snapshot_id) for snapshot_id in snapshot_ids]
        done = self._call(
            f'copy from "{source.name}"',
            ["copy", *source.from_repository(), *ids],
            How(transfer=True, source=source),
        )
        return Copied(tuple(ids), done.seconds)

    def restore(self, snapshot_id: str, to: Path, *, on_progress: OnProgress | None = None) -> RestoredTree:
        """Restore a whole snapshot (full id) below the folder `to`.

        A file lands at `to` + its absolute path. Raises RepositoryDamaged as soon as something is known
        to be lost for good; what was restored until then is left in place.
        """
        listener = _listener(on_progress) if self.able.restore_progress else None
        done = self._call(
            f"restore {_full(snapshot_id)[:8]}",
            ["restore", snapshot_id, "--target", str(to), *(["--sparse"] if self.able.sparse else [])],
            How(on_line=listener, transfer=True),
        )
        return read_restored(snapshot_id, done.stdout, seconds=done.seconds)

    def dump_text(self, snapshot_id: str, filename: str) -> str:
        """The content of one UTF-8 file of a snapshot (full id)."""
        done = self._call(
            f"read {filename} of {_full(snapshot_id)[:8]}", ["dump", snapshot_id, "--", filename]
        )
        return done.stdout

    def check(self, *, subset: tuple[int, int] | None = None, read_data: bool = False) -> Checked:
        """Check the structure; with `subset` (n, m) read the n-th of m parts of the data too, or all of it.

        Raises RepositoryDamaged. The structure alone shows no flipped bit.
        """
        arguments = ["check"]
        if read_data:
            arguments += ["--read-data"]
        elif subset is not None:
            arguments += [f"--read-data-subset={subset[0]}/{subset[1]}"]
        done = self._call("check it", arguments, How(transfer=True))
        return read_checked((1, 1) if read_data else subset, done.stdout, seconds=done.seconds)

    def forget(self, keep: Keep, *, tags: Sequence[str], dry_run: bool = False) -> tuple[str, ...]:
        """Drop the snapshots with all `tags` that no rule keeps, per host and paths. Returns their full ids.

        Frees nothing yet: `prune` does.
        """
        if not tags:
            raise RepositoryError("forgetting without a tag would reach the snapshots of others")
        arguments = ["forget", "--tag", ",".join(tags), *keep.arguments()]
        return read_forgotten(
            self._call("forget snapshots", [*arguments, *(["--dry-run"] if dry_run else [])]).stdout
        )

    def forget_snapshots(self, snapshot_ids: Sequence[str]) -> None:
        """Drop just these (full ids), in this order."""
        ids = [_full(snapshot_id) for snapshot_id in snapshot_ids]
        for start in range(0, len(ids), _BATCH):
            self._call("forget snapshots", ["forget", *ids[start : start + _BATCH]])

    def prune(self) -> float:
        """Free what no snapshot needs any more. Returns the seconds it took."""
        return self._call("prune it", ["prune"], How(transfer=True)).seconds

    def stats(self, *, raw: bool = False) -> Stats:
        """Size of all snapshots as restored; with `raw`, as stored."""
        arguments = ["stats", "--mode", "raw-data" if raw else "restore-size"]
        return read_stats(self._call("count it", arguments).stdout)

    def full_id(self, prefix: str) -> str:
        """The full id of the one snapshot whose id begins with `prefix`. Raises RepositoryError."""
        return self.id_at_hand(prefix) or self.snapshots().by_prefix(prefix).id

    def id_at_hand(self, prefix: str) -> str | None:
        """The same where it costs no call of restic's: the id is whole, or of a folder of this machine."""
        if FULL_ID.fullmatch(prefix):
            return prefix
        # There is a file for each snapshot, named by its id: no key is needed to look.
        if self.local:
            folder = Path(self.url.removeprefix("local:"), "snapshots")
            beside = [path.name for path in folder.glob(f"{prefix}*")]
            if len(beside) == 1 and FULL_ID.fullmatch(beside[0]):
                return beside[0]
        return None

    def exists(self) -> bool:
        """Whether there is a repository. Raises what keeps us from telling, WrongPassword for one."""
        try:
            self.config()
        except NoRepository:
            return False
        return True

    def config(self) -> dict[str, Any]:
        """What the repository says of itself: `id`, `version`, `chunker_polynomial`."""
        done = self._call("look at it", ["cat", "config"])
        return read_object(done.stdout)


def _refuse_missing(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.is_absolute():
            raise MissingSource(f'cannot back up "{path}": it is no absolute path')
        if path.is_symlink():
            raise MissingSource(
                f'cannot back up "{path}": it is a symbolic link, and restic would take the link alone',
                hint=f"name the folder itself: {path.resolve()}",
            )
        if not path.exists():
            raise MissingSource(f'cannot back up "{path}": no such file or folder')


def _full(snapshot_id: str) -> str:
    if not FULL_ID.fullmatch(snapshot_id):
        raise RepositoryError(
            f"{snapshot_id!r} is no full snapshot id", hint="`restic snapshots --json` has it"
        )
    return snapshot_id


def _tags(tags: Sequence[str]) -> list[str]:
    for tag in tags:
        if "," in tag:
            raise RepositoryError(f"tag {tag!r} has a comma, which restic takes for two tags")
    return [f"--tag={tag}" for tag in tags]


def _listener(on_progress: OnProgress | None) -> Callable[[str], None] | None:
    if on_progress is None:
        return None
    tell = on_progress

    def hear(line: str) -> None:
        message = json_line(line)
        progress = read_progress(message) if message else None
        if progress is not None:
            tell(progress)

    return hear
