"""A lock of the repository's own making that nobody will ever remove: for a drill that plants it.

It is had from restic itself: `check` locks exclusively, and while it does its lock is copied aside. So that
the lock is no dead one of this host, which `unlock` would remove, it is made under another host's name.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from sites.drivers import command
from sites.drivers.restic.call import ResticCall
from sites.errors import BlackstartError, CommandError, MissingProgram, RepositoryError

HOST = "blackstart-drill"
_TRIES = 10
_LOOK_SECONDS = 0.001
_NAME_LETTERS = 64
_AS_ANOTHER_HOST = ("sh", "-c", 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"', HOST)


def cannot_plant(repository: ResticCall) -> str | None:
    """Why no lock can be made for this repository; None if one can. Changes nothing."""
    if repository.read_only:
        return "it is somebody else's, and is only ever read"
    if not repository.local:
        return "it is not in a folder of this machine"
    try:
        command.run([*_elsewhere(), "true"], limit_seconds=10)
    except (CommandError, MissingProgram) as error:
        return f"nobody can be another host here: {error}"
    return None


def make_lock(repository: ResticCall, folder: Path) -> Path:
    """Make an exclusive lock and keep it in `folder`, not in the repository. Raises RepositoryError."""
    if repository.read_only:  # a check reads, but what it is run for here is the lock that it leaves
        raise RepositoryError(f'cannot make a lock of repository "{repository.name}": it is somebody else\'s')
    locks = Path(repository.url.removeprefix("local:"), "locks")
    for _ in range(_TRIES):
        kept = _Watcher(locks, folder).while_(lambda: _check(repository))
        if kept is not None:
            return kept
    raise RepositoryError(
        f'cannot make a lock of repository "{repository.name}": restic was too quick each time'
    )


class _Watcher:
    """Copies the first new lock that appears."""

    def __init__(self, locks: Path, to: Path) -> None:
        self._locks, self._to = locks, to
        self._before = {path.name for path in locks.iterdir()}
        self._kept: Path | None = None
        self._done = threading.Event()

    def while_(self, act: Callable[[], None]) -> Path | None:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            act()
        finally:
            self._done.set()
            thread.join()
        return self._kept

    def _watch(self) -> None:
        while self._kept is None and not self._done.wait(_LOOK_SECONDS):
            for path in self._locks.iterdir():
                if path.name not in self._before and len(path.name) == _NAME_LETTERS:
                    self._keep(path)

    def _keep(self, path: Path) -> None:
        try:
            self._kept = Path(shutil.copy2(path, self._to / path.name))
        except FileNotFoundError:
            return  # it was gone again: another try makes another one


def _check(repository: ResticCall) -> None:
    argv = [*_elsewhere(), *_AS_ANOTHER_HOST, *repository.argv(["check"])]
    try:
        command.run(
            argv, limit_seconds=repository.call_limit_seconds, secret_env=repository.secret_environment()
        )
    except BlackstartError as error:
        raise RepositoryError(f'cannot make a lock of repository "{repository.name}": {error}') from error


def _elsewhere() -> tuple[str, ...]:
    return ("unshare", "--uts", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--")
