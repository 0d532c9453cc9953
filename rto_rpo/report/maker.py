"""Who draws pages: another maker's page may look otherwise and say the same."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from rto_rpo import __version__

_ROOM = Path(__file__).parent.parent
_DRAWN_WITH = {".py", ".html", ".css", ".yaml"}


@cache
def maker() -> str:
    """The hash, 64 hex digits, of the version and of everything that a page is drawn with."""
    digest = hashlib.sha256(f"{__version__} {version('jinja2')}".encode())
    for path in sorted(path for path in _ROOM.rglob("*") if path.suffix in _DRAWN_WITH):
        digest.update(path.relative_to(_ROOM).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
