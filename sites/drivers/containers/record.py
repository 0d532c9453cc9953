"""What is on disk about a site of containers: whether we brought it up, and have not taken it down since.

Which containers run is the daemon's to say. It does not know whether a site of which none runs is lost, or
is up with nothing started in it yet: this says so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sites.drivers import site_file

SCHEMA = "blackstart/containers/1"
_RECORD_LOCK = "record.lock"


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
        with site_file.locked(folder, _RECORD_LOCK):
            site_file.write(folder, SCHEMA, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Life | None:
        """None if the site never came up here. Raises SiteError."""
        return site_file.read(folder, SCHEMA, cls)
