"""What a runbook has begun and finished: fsynced before and after every step, so that a crash is survivable.

One JSON line an entry. A torn last line is what a crash leaves; it is cut off when the journal is opened
again. Entries in an order that the engine cannot produce are refused: such a journal is not ours.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from rto_rpo.durable import make_folder, sync_folder
from sites.errors import RunbookError

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
_PATIENCE_SECONDS = 0.5
_POLL_SECONDS = 0.01


class Journal:
    """The journal of one runbook, held under a lock that dies with its holder.

    Raises RunbookError when another process holds it, or when its entries make no sense.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if not _locked(self._fd):
            os.close(self._fd)
            raise RunbookError(
                f"cannot run the runbook: another process holds its journal {path}",
                hint="wait for it, or end it; a dead holder loses the lock by itself",
            )
        self._mutex = threading.Lock()
        self.states: dict[str, State] = {}
        self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def put_away(self) -> None:
        """Keep a finished journal under the time of its end, out of the next one's way."""
        self.path.rename(self.path.with_name(f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}.jsonl"))
        sync_folder(self.path.parent)

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
            line = (json.dumps(entry, default=str) + "\n").encode()
            while line:
                line = line[os.write(self._fd, line) :]
            os.fsync(self._fd)
            self.states[step] = state

    def _check(self, step: str, state: State) -> None:
        before = self.states.get(step)
        if state not in _LEGAL[before]:
            raise RunbookError(f'step "{step}" cannot become {state}: it is {before or "not started"}')

    def _load(self) -> None:
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) != len(raw):
            os.ftruncate(self._fd, len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                step, state = entry["step"], entry["state"]
                self._check(step, state)
            except (ValueError, KeyError, TypeError, RunbookError) as error:
                self.close()
                raise RunbookError(
                    f"cannot resume from journal {self.path}: line {number} makes no sense ({error})",
                    hint="move the journal aside and look at both sites before anything is started",
                ) from None
            self.states[step] = state


def _locked(fd: int) -> bool:
    """Lock it, or tell that another holds it.

    A holder that was killed while it started a command has left the lock to that command's process, for the
    moment until that has become the command. So who finds it locked looks again for a little while.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True
