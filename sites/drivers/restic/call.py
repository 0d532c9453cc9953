"""One call of restic: its environment, its secrets, its locks, its failure as a named error."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from sites.drivers import command
from sites.drivers.command import Completed
from sites.drivers.restic.failure import hopeless, named
from sites.drivers.restic.results import Lock, read_lock
from sites.drivers.restic.version import Capabilities, capabilities
from sites.errors import CommandError, RepositoryDamaged, RepositoryError, RepositoryLocked

# Set to nothing, so that what happens to be in our own environment cannot point restic elsewhere.
_NEUTRAL = {
    prefix + name: ""
    for prefix in ("RESTIC_", "RESTIC_FROM_")
    for name in ("REPOSITORY", "REPOSITORY_FILE", "PASSWORD", "PASSWORD_FILE", "PASSWORD_COMMAND", "KEY_HINT")
}
_REST_USERNAME, _REST_PASSWORD = "RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"
_OUTPUT_BYTES_MAX = 1 << 31
_LOCK_POLL_SECONDS = 1.0
_READING = {"snapshots", "restore", "dump", "check", "stats", "cat", "list"}
_REMOTE = re.compile(r"(?!local:)[a-z0-9+]+:")


@dataclass(frozen=True, slots=True)
class How:
    """`transfer`: it moves data and may take long. `source`: the other repository of a copy."""

    on_line: Callable[[str], None] | None = None
    text: bytes | None = None
    transfer: bool = False
    source: ResticCall | None = None
    ok_codes: tuple[int, ...] = (0,)


def _silent(_: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class ResticCall:
    """A restic binary bound to one repository. `name` is what the plan calls it, `url` any that restic takes.

    `password` and the values of `secrets` (such as AWS_SECRET_ACCESS_KEY) are looked up at each call and go
    into the environment of that process alone. `host` is recorded in snapshots; keep it fixed, as restic
    groups by it. `options` are restic's own `-o`, as in {"sftp.args": "-p 2222"}. RESTIC_REST_USERNAME and
    RESTIC_REST_PASSWORD among the secrets are those of a REST server, on every version.
    `call_limit_seconds` bounds calls that move no data, `transfer_limit_seconds` the others.
    A lock that is in the way is waited for up to `lock_wait_seconds`; a dead one is removed.
    A `read_only` one is somebody else's: whatever would change it is refused before restic runs.
    """

    name: str
    url: str
    password: Callable[[], str] = field(repr=False)
    binary: str = "restic"
    host: str = field(default_factory=socket.gethostname)
    cache: Path | Literal["default", "none"] = "default"
    secrets: Mapping[str, Callable[[], str]] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    lock: bool = True
    read_only: bool = False
    gentle: bool = False
    lock_wait_seconds: float = 60.0
    call_limit_seconds: float = 300.0
    transfer_limit_seconds: float = 6 * 3600.0

    @property
    def able(self) -> Capabilities:
        return capabilities(self.binary)

    @property
    def local(self) -> bool:
        """Whether the repository is a folder of this machine."""
        return not _REMOTE.match(self.url)

    def uncached(self) -> Self:
        """The same repository read from itself: a local cache would hide damage to it."""
        return replace(self, cache="none")

    def unlocked(self) -> Self:
        """The same repository, read even when a site that is gone has left its lock."""
        return replace(self, lock=False)

    def gently(self) -> Self:
        """The same repository, read on what the others on the machine leave: their clients are waiting."""
        return replace(self, gentle=True)

    def locks(self) -> tuple[Lock, ...]:
        """Who holds the repository, as they said themselves. Raises RepositoryError."""
        reader = replace(self, lock=False)
        ids = reader._once("list the locks", ["list", "locks"]).stdout.split()
        found = []
        for lock_id in ids:
            with suppress(RepositoryError):  # a lock may be gone by the time we look
                found.append(read_lock(lock_id, reader._once("read a lock", ["cat", "lock", lock_id]).stdout))
        return tuple(found)

    def unlock(self) -> tuple[Lock, ...]:
        """Remove locks that are provably dead: on this host without their process, or 30 minutes unrefreshed.

        Returns what is left; restic itself says "success" whatever it left. Never removes a live lock: restic
        takes a process that it may not signal, because it is another user's, for one that is gone.
        """
        self._refuse_to_write("unlock")
        held = self.locks()
        if any(_of_another_user(lock) for lock in held):
            return held
        replace(self, lock=True)._once("remove dead locks", ["unlock"])
        return self.locks()

    def argv(self, arguments: Sequence[str]) -> list[str]:
        """The command line of one call, for who has to run it in some other way."""
        return self._argv(arguments)

    def secret_environment(self) -> dict[str, str]:
        """What that command is told in secret."""
        return self._secret_environment(None)

    def _refuse_to_write(self, word: str) -> None:
        if self.read_only and word not in _READING:
            raise RepositoryError(
                f'repository "{self.name}" is somebody else\'s: blackstart does no `restic {word}` on it',
                hint="`by: external` in the plan says so",
            )

    def _call(self, act: str, arguments: Sequence[str], how: How | None = None) -> Completed:
        """Run restic, waiting for locks. Raises a RepositoryError that says `act` could not be done."""
        self._refuse_to_write(arguments[0])
        deadline = time.monotonic() + self.lock_wait_seconds
        waiting: list[str] = []
        while True:
            try:
                return self._once(act, [*waiting, *arguments], how)
            except RepositoryLocked as locked:
                left = self._clear_dead_locks(how)
                patience = deadline - time.monotonic()
                if patience <= 0:
                    raise RepositoryLocked(str(locked), hint=_lock_hint(left or ())) from locked
                if self.able.retry_lock:
                    waiting = ["--retry-lock", f"{max(1, int(patience))}s"]
                elif left != ():
                    time.sleep(min(_LOCK_POLL_SECONDS, patience))

    def _clear_dead_locks(self, how: How | None) -> tuple[Lock, ...] | None:
        """The locks left; None when that cannot be known, as in a repository that we may only read."""
        try:
            return self.unlock() + (how.source.unlock() if how and how.source else ())
        except RepositoryError:
            return None

    def _once(self, act: str, arguments: Sequence[str], how: How | None = None) -> Completed:
        how = how or How()
        able = self.able
        argv = self._argv(arguments, how.source)
        limit_seconds = self.transfer_limit_seconds if how.transfer else self.call_limit_seconds
        environment = {**_NEUTRAL, "RESTIC_PROGRESS_FPS": "2"}
        secrets = self._secret_environment(how.source)
        try:
            if how.text is not None:
                return command.run(
                    argv,
                    limit_seconds=limit_seconds,
                    input=how.text,
                    env=environment,
                    secret_env=secrets,
                    ok_codes=how.ok_codes,
                )
            return command.watch(
                argv,
                limit_seconds=limit_seconds,
                on_line=how.on_line or _silent,
                on_error_line=_refuse_hopeless(act, how.source or self),
                env=environment,
                secret_env=secrets,
                ok_codes=how.ok_codes,
                output_bytes_max=_OUTPUT_BYTES_MAX,
            )
        except CommandError as error:
            raise named(error, able, act, self.name) from error

    def _argv(self, arguments: Sequence[str], source: ResticCall | None = None) -> list[str]:
        argv = ["nice", "-n", "19"] if self.gentle else []
        argv += [self.binary, *([] if self._signs_in else ["--repo", self.url]), "--json"]
        theirs = source.options if source else {}
        options = {
            **self.options,
            **_agreeing("options", self, self.options, theirs, source.name if source else ""),
        }
        argv += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        if self.cache == "none":
            argv += ["--no-cache"]
        elif self.cache != "default":
            argv += ["--cache-dir", str(self.cache)]
        if not self.lock:
            argv += ["--no-lock"]
        return [*argv, *arguments]

    @property
    def _signs_in(self) -> bool:
        """Whether the address needs a user and a password in it, which must not show in argv."""
        return self.url.startswith("rest:") and _REST_PASSWORD in self.secrets

    @property
    def _secret_url(self) -> str:
        """The address with its sign-in: before 0.17 restic takes that no other way."""
        scheme, mark, rest = self.url.removeprefix("rest:").partition("://")
        user = self.secrets[_REST_USERNAME]() if _REST_USERNAME in self.secrets else ""
        sign_in = f"{quote(user, safe='')}:{quote(self.secrets[_REST_PASSWORD](), safe='')}"
        return f"rest:{scheme}{mark}{sign_in}@{rest}"

    def _secret_environment(self, source: ResticCall | None) -> dict[str, str]:
        environment = self._own_secrets()
        environment["RESTIC_PASSWORD"] = self.password()
        if self._signs_in:
            environment["RESTIC_REPOSITORY"] = self._secret_url
        if source is None:
            return environment
        theirs = source._own_secrets()
        environment |= _agreeing("secrets", self, environment, theirs, source.name)
        if source._signs_in:
            environment["RESTIC_FROM_REPOSITORY"] = source._secret_url
        return {**environment, "RESTIC_FROM_PASSWORD": source.password()}

    def _own_secrets(self) -> dict[str, str]:
        """All but a sign-in, which goes into the address."""
        apart = (_REST_USERNAME, _REST_PASSWORD)
        return {name: value() for name, value in self.secrets.items() if name not in apart}

    def from_repository(self) -> list[str]:
        """What names this repository as the source of a copy."""
        return [] if self._signs_in else ["--from-repo", self.url]


def _agreeing(
    what: str, target: ResticCall, ours: Mapping[str, str], theirs: Mapping[str, str], source: str
) -> Mapping[str, str]:
    """`theirs`, unless one differs from ours: restic has one of each for both ends of a copy."""
    for name, value in theirs.items():
        if ours.get(name, value) != value:
            raise RepositoryError(
                f'cannot copy from "{source}" to "{target.name}": their {what} {name} differ, '
                "and restic takes only one",
                hint="reach one of the two through rclone, or give both the same",
            )
    return theirs


def _of_another_user(lock: Lock) -> bool:
    """Whether the process of a lock lives on this host, and is not ours to signal."""
    if lock.host != socket.gethostname() or lock.pid <= 0:
        return False
    try:
        os.kill(lock.pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False


def _lock_hint(locks: Sequence[Lock]) -> str | None:
    if not locks:
        return None
    lock = min(locks, key=lambda candidate: candidate.time)
    minutes = max(0, int((datetime.now(UTC) - lock.time).total_seconds() // 60))
    here = lock.host == socket.gethostname()
    state = "" if not here else (" and alive" if Path(f"/proc/{lock.pid}").exists() else " and gone")
    return (
        f"the lock is {minutes} min old, of process {lock.pid} on host {lock.host!r}{state}; "
        "`restic unlock` removes it once 30 min old, or at once on that host if the process is gone"
    )


def _refuse_hopeless(act: str, read: ResticCall) -> Callable[[str], None]:
    """Restic tries for minutes to load what is gone; in a folder of this machine it does not come back."""

    def hear(line: str) -> None:
        if read.local and (what := hopeless(line)):
            raise RepositoryDamaged(
                f'cannot {act}: repository "{read.name}": it is damaged: {what} is missing or cut short',
                hint="restore from another copy, or an older snapshot",
            )

    return hear
