"""What a runbook has begun and finished: fsynced before and after every step, so that a crash is survivable.

One JSON line an entry. A torn last line is what a crash or a full disk leaves; it is cut off before anything
is written after it. A torn line before others, and entries in an order that the engine cannot produce, are
refused: such a journal is not ours. Its lock is a file beside it, for the journal itself is put away.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from rto_rpo.durable import sync_folder
from sites.errors import RunbookError
from sites.recovery.lock import opened, take

State = Literal["started", "done", "failed", "undoing", "undone"]

# From each state of a step, the states that may follow. A step starts again after a crash or a failure.
_LEGAL: dict[State | None, tuple[State, ...]] = {
    None: ("started",),
    "started": ("started", "done", "failed", "undoing"),
    "failed": ("started", "undoing"),
    "done": ("started", "undoing"),  # resumed: looked at again, and found done or done again
    "undoing": ("undoing", "undone"),  # what is being taken back is taken back before it starts again
    "undone": ("started",),
}
_SETTLED = ("done", "undone")


class Held(RunbookError):
    """Another process holds the journal, and with it the plan's lock."""


class Journal:
    """The journal of one runbook, held under a lock that dies with its holder.

    Raises Held when another process has it, RunbookError when its entries make no sense or
    cannot be read. Of a disk that is read-only it is read and locked; what would be written is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lock = take(lock_of(path))
        if lock is None:
            raise Held(
                f"cannot run the runbook: another process holds its journal {path}",
                hint="wait for it, or end it; a dead holder loses the lock by itself",
            )
        self._lock, self._fd = lock, -1
        self._mutex = threading.Lock()
        self.states: dict[str, State] = {}
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    def put_away(self) -> None:
        """Keep a finished journal under the time of its end, out of the next one's way. The lock is kept."""
        self.path.rename(self.path.with_name(f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}.jsonl"))
        sync_folder(self.path.parent)

    def begin_anew(self) -> None:
        """Go on with a journal that has nothing in it; what was in it is put away."""
        if self.states:
            self.put_away()
            os.close(self._fd)
            self._fd = -1
            self.states = {}
            self._open()

    @property
    def unfinished(self) -> bool:
        """True if some step was begun or failed, and never got done or taken back."""
        return any(state not in _SETTLED for state in self.states.values())

    def started(self, step: str) -> None:
        self._append(step, "started", {})

    def done(self, step: str, detail: Mapping[str, object]) -> None:
        self._append(step, "done", {"detail": dict(detail)})

    def failed(self, step: str, reason: str) -> None:
        self._append(step, "failed", {"reason": reason})

    def undoing(self, step: str) -> None:
        self._append(step, "undoing", {})

    def undone(self, step: str, detail: Mapping[str, object]) -> None:
        self._append(step, "undone", {"detail": dict(detail)})

    def _append(self, step: str, state: State, more: Mapping[str, object]) -> None:
        with self._mutex:
            self._check(step, state)
            entry = {"utc": datetime.now(UTC).isoformat(), "step": step, "state": state, **more}
            try:
                self._write((json.dumps(entry, default=str) + "\n").encode())
            except OSError as error:
                raise RunbookError(
                    f'cannot write down that step "{step}" is {state}: journal {self.path}: {error.strerror}',
                    hint="make room on that disk, or make it writable, then go on with --resume",
                ) from error
            self.states[step] = state

    def _write(self, line: bytes) -> None:
        """After the last whole line: half of one that was not finished must not become part of this one."""
        self._require_writable()
        os.ftruncate(self._fd, self._whole_bytes)
        rest = line
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        os.fsync(self._fd)
        self._whole_bytes += len(line)

    def _require_writable(self) -> None:
        """A disk that was read-only when this was opened may not be any more. Raises OSError where it is."""
        if self._lock < 0:
            raise OSError(errno.EBADF, "it is closed")
        if self._fd < 0 or not fcntl.fcntl(self._fd, fcntl.F_GETFL) & (os.O_RDWR | os.O_WRONLY):
            again = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = again

    def _read(self) -> bytes:
        """What is in it. Nothing where there is none, and a read-only disk takes no new one."""
        try:
            self._fd = opened(self.path, os.O_APPEND)
            with open(self._fd, "rb", closefd=False) as lines:
                return lines.read()
        except OSError as error:
            if error.errno == errno.EROFS:  # one that is there would be open to read
                return b""
            raise RunbookError(
                f"cannot read journal {self.path}: {error.strerror}",
                hint="let this account read and write it; until then nobody knows what is under way",
            ) from error

    def _check(self, step: str, state: State) -> None:
        before = self.states.get(step)
        if state not in _LEGAL[before]:
            raise RunbookError(f'step "{step}" cannot become {state}: it is {before or "not started"}')

    def _open(self) -> None:
        try:
            raw = self._read()
            self._whole_bytes = raw.rfind(b"\n") + 1
            self._load(raw[: self._whole_bytes].splitlines())
        except BaseException:
            self.close()
            raise

    def _load(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                step, state = entry["step"], entry["state"]
                self._check(step, state)
            except (ValueError, KeyError, TypeError, RunbookError) as error:
                raise RunbookError(
                    f"cannot resume from journal {self.path}: line {number} makes no sense ({error})",
                    hint="move the journal aside and look at both sites before anything is started",
                ) from None
            self.states[step] = state


def lock_of(journal: Path) -> Path:
    """The file that whoever holds that journal has locked."""
    return journal.with_name(f"{journal.name}.lock")
