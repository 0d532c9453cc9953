"""No fence, no promote: the old primary is kept from taking writes before the new one may.

A fence is proven by one of these, and by nothing less:

    every process of the site proven gone     for what the site runs itself
    a refused write                           besides, for each of its databases that it does not run

Silence is no proof. The fence is written down before it is raised, so that a drill's undo never starts
what a failover has fenced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.capability import Killable, Proof
from sites.errors import FenceError


class Refusing(Protocol):
    """A dataset that can be seen to refuse writes at a site."""

    def refuses_write(self, site: str) -> Proof: ...


class Fences:
    """The fences of one estate, one small file a fenced site."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "fenced"

    def raised(self, site: str) -> bool:
        return self.file(site).exists()

    def raise_(self, site: str, why: str) -> None:
        """Write the fence down, durably. No effect on a fence that stands."""
        make_folder(self._folder)
        if self.raised(site):
            return
        entry = {"site": site, "why": why, "utc": datetime.now(UTC).isoformat()}
        write_durably(self.file(site), json.dumps(entry).encode())

    def lift(self, site: str) -> None:
        """Take the fence away: for who has seen that the site takes writes no more, or that it alone may."""
        if self.raised(site):
            self.file(site).unlink()
            sync_folder(self._folder)

    def file(self, site: str) -> Path:
        """The fence of a site."""
        return self._folder / f"{site}.json"


def fence(fences: Fences, name: str, site: Killable, databases: Mapping[str, Refusing]) -> Proof:
    """Fence a site and prove it: what is alive there is killed, what it does not run must refuse writes.

    `databases` are the datasets whose server at the site is none of its processes.
    Raises FenceError when the proof cannot be had; nothing may be promoted then.
    """
    fences.raise_(name, "failover")
    proof = site.proven_gone()
    if not proof.holds:
        proof = site.kill()
    proofs = [proof, *(database.refuses_write(name) for database in databases.values())]
    for missing in (proof for proof in proofs if not proof.holds):
        raise FenceError(
            f'cannot fence site "{name}": {missing.how}',
            hint="power it off by other means, and prove that before anything is promoted",
        )
    return Proof(True, "; ".join(proof.how for proof in proofs), proof.detail)
