"""The stop lever: while it is pulled no drill begins, and one that runs is broken off and undone."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.errors import BlackstartError

_BEAT_SECONDS = 0.05


class Lever:
    """One small file in the plan's state: whoever can write there can pull it, with or without us."""

    def __init__(self, state: Path) -> None:
        self.file = state / "stopped.json"

    def pull(self, why: str) -> None:
        """Durably. No effect on a lever that is pulled: the first reason stands.

        On a full disk without the reason. Raises BlackstartError where it could not be pulled at all.
        """
        if self.file.exists():
            return
        entry = {"why": why, "utc": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            make_folder(self.file.parent)
            write_durably(self.file, json.dumps(entry).encode())
        except OSError:
            self._pull_empty()

    def _pull_empty(self) -> None:
        """An empty file takes no space, and what is there and cannot be read is a pulled lever."""
        try:
            self.file.touch()
            sync_folder(self.file.parent)
        except OSError as error:
            raise BlackstartError(
                f"the stop lever was NOT pulled: cannot write {self.file}: {error.strerror}; "
                "a drill that runs goes on, and others may begin",
                hint="make that folder writable and pull it again; or end the process of the drill "
                "(`blackstart drill`): its dead-man undoes the fault",
            ) from error

    def release(self) -> bool:
        """Whether it was pulled."""
        pulled = self.file.exists()
        self.file.unlink(missing_ok=True)
        if pulled:
            sync_folder(self.file.parent)
        return pulled

    @property
    def pulled(self) -> str | None:
        """Why, and since when; None while it is not. A file that cannot be read is a pulled lever too."""
        try:
            entry = json.loads(self.file.read_bytes())
            return f"{entry['why']} ({entry['utc']})"
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return f"{self.file} is there, or cannot be looked at"

    def wait(self, seconds: float) -> None:
        """Let that much time pass. Raises BlackstartError as soon as it is pulled."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.require_released()
            threading.Event().wait(min(left, _BEAT_SECONDS))

    def require_released(self) -> None:
        """Raises BlackstartError while it is pulled."""
        why = self.pulled
        if why is not None:
            raise BlackstartError(
                f"the stop lever was pulled: {why}",
                hint="`blackstart stop --release` lets drills begin again",
            )
