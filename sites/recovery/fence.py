"""No fence, no promote: the old primary is kept from taking writes before the new one may.

A fence is proven by one of these, and by nothing less:

    every process of the site proven gone      sites that can be killed whole
    a refused write at each of its databases   anything that answers, and says no

Silence is no proof. The fence is written down before it is raised, so that a drill's undo never starts
what a failover has fenced.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import sync_folder, write_durably
from sites.capability import Killable, Proof
from sites.errors import FenceError


class Fences:
    """The fences of one estate, one small file a fenced site."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "fenced"

    def raised(self, site: str) -> bool:
        return self._file(site).exists()

    def raise_(self, site: str, why: str) -> None:
        """Write the fence down, durably. No effect on a fence that stands."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.raised(site):
            return
        entry = {"site": site, "why": why, "utc": datetime.now(UTC).isoformat()}
        write_durably(self._file(site), json.dumps(entry).encode())

    def lift(self, site: str) -> None:
        """Take the fence away. The one who calls this has made sure that nobody else is writable."""
        if self.raised(site):
            self._file(site).unlink()
            sync_folder(self._folder)

    def _file(self, site: str) -> Path:
        return self._folder / f"{site}.json"


def fence(fences: Fences, name: str, site: Killable) -> Proof:
    """Fence a site and prove it: what is still alive there is killed.

    Raises FenceError when the proof cannot be had; nothing may be promoted then.
    """
    fences.raise_(name, "failover")
    proof = site.proven_gone()
    if not proof.holds:
        proof = site.kill()
    if not proof.holds:
        raise FenceError(
            f'cannot fence site "{name}": {proof.how}',
            hint="power it off by other means, and prove that before anything is promoted",
        )
    return proof
