"""What a site keeps in its own folder: one small record of its life, and a lock for whoever changes it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rto_rpo.durable import make_folder, write_durably
from sites.errors import SiteError

RECORD, LOCK = "site.json", "site.lock"
_T = TypeVar("_T")


def write(folder: Path, schema: str, content: Mapping[str, object]) -> None:
    text = json.dumps({"schema": schema, **content}, indent=1)
    write_durably(folder / RECORD, text.encode() + b"\n")


def read(folder: Path, schema: str, make: Callable[..., _T]) -> _T | None:
    """None if there is none. Raises SiteError for one that is of another schema, or unreadable."""
    path = folder / RECORD
    try:
        content = json.loads(path.read_bytes())
        found = content.pop("schema")
        made = make(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SiteError(f"cannot read {path}: {error}") from error
    if found != schema:
        raise SiteError(f"cannot read {path}: its schema is {found!r}, known is {schema!r}")
    return made


@contextmanager
def locked(folder: Path, name: str = LOCK) -> Iterator[None]:
    """One of us at a time; who waits gets it once the holder is done, or dead."""
    make_folder(folder)
    fd = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
