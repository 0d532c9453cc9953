"""What is on disk about a site of containers: whether we brought it up, and have not taken it down since.

Which containers run is the daemon's to say. It does not know whether a site of which none runs is lost, or
is up with nothing started in it yet: this says so.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import make_folder, write_durably
from sites.errors import SiteError

SCHEMA = "blackstart/containers/1"
_FILE = "site.json"


@dataclass(frozen=True, slots=True)
class Life:
    """The last time that the site came up. `up` is false once it was brought down or killed by us."""

    label: str
    up: bool
    utc: str

    @classmethod
    def begun(cls, label: str) -> Life:
        return cls(label, True, datetime.now(UTC).isoformat())

    def over(self) -> Life:
        return replace(self, up=False)

    def save(self, folder: Path) -> None:
        """Several may do so at once, as when a drill kills a site while a failover fences it."""
        make_folder(folder)
        content = {"schema": SCHEMA, **asdict(self)}
        fd = os.open(folder / "record.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            write_durably(folder / _FILE, json.dumps(content, indent=1).encode() + b"\n")
        finally:
            os.close(fd)

    @classmethod
    def load(cls, folder: Path) -> Life | None:
        """None if the site never came up here. Raises SiteError."""
        path = folder / _FILE
        try:
            content = json.loads(path.read_bytes())
            schema = content.pop("schema")
            life = cls(**content)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise SiteError(f"cannot read {path}: {error}") from error
        if schema != SCHEMA:
            raise SiteError(f"cannot read {path}: its schema is {schema!r}, known is {SCHEMA!r}")
        return life
