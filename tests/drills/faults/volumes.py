"""Small bounded volumes for tests, and small programs that write to one."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sites.drivers import command
from sites.errors import CommandError

SIZE_BYTES = 4 << 20
# as a plan writes it; two blocks a moment: it ends as soon as one cannot be written
WRITER = 'while head -c 8192 /dev/zero >>"$$1/written"; do sleep 0.05; done'


@contextmanager
def mounted(folder: Path, size_bytes: int = SIZE_BYTES) -> Iterator[Path]:
    """The folder as a volume of its own, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    command.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "blackstart-test", folder], limit_seconds=10
    )
    try:
        yield folder
    finally:
        command.run(["umount", "--lazy", folder], limit_seconds=10)


@functools.cache
def no_mount() -> str | None:
    """Why no volume can be mounted here; None if one can."""
    if os.geteuid() != 0:
        return "mounting a volume needs root"
    try:
        with tempfile.TemporaryDirectory() as folder, mounted(Path(folder) / "volume"):
            return None
    except CommandError as error:
        return str(error)
