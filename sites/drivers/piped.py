"""What those who talk to a running command need of it."""

from __future__ import annotations

from typing import IO, Protocol


class Piped(Protocol):
    """As subprocess.Popen has it: that module is imported in one place only."""

    pid: int

    @property
    def stdin(self) -> IO[bytes] | None: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    @property
    def stderr(self) -> IO[bytes] | None: ...
