"""Hand a secret to one command by a file: an argument would show in every process list."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def secret_file(content: str, *, uid: int = -1, gid: int = -1) -> Iterator[Path]:
    """A file that only that account can read, ours by default, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="blackstart-") as folder:
        path = Path(folder) / "secret"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        os.chown(path, uid, gid)
        os.chown(folder, uid, gid)
        yield path
