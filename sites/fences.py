"""Which sites are fenced: written down before anything is done about it, and outliving every restart.

While a fence stands the site's databases are not started there, except as standbys. Only who has seen that
the site takes no writes any more, or that it alone may, lifts it: the end of a failback or switchover.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from rto_rpo.durable import make_folder, sync_folder, write_durably
from sites.capability import Proof
from sites.errors import FenceError


class Fences:
    """The fences of one estate, one small file a fenced site."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "fenced"

    def prepare(self) -> None:
        """Make room for fences while nobody waits for one. Raises OSError."""
        make_folder(self._folder)

    def raised(self, site: str) -> bool:
        """Only what is seen not to be there does not stand. Raises OSError where nobody can look."""
        try:
            self.file(site).lstat()
        except FileNotFoundError:
            return False
        return True

    def raise_(self, site: str, why: str, run: str = "") -> None:
        """Write the fence down, durably. No effect on one that stands. `run` names the act that raises it."""
        self.prepare()
        if self.raised(site):
            return
        self._write(site, {"site": site, "why": why, "run": run, "utc": datetime.now(UTC).isoformat()})

    def raised_by(self, site: str, run: str) -> bool:
        """Whether that very act has raised the fence that stands: who takes it back lifts no other."""
        return self.raised(site) and self._read(site).get("run", "") == run

    def why(self, site: str) -> str:
        """What kind of act raised the fence that stands."""
        return str(self._read(site).get("why"))

    def keep(self, site: str) -> None:
        """Servers there are about to be kept from taking writes by themselves: who lifts this undoes that."""
        self._write(site, {**self._read(site), "kept": True})

    def kept(self, site: str) -> bool:
        return self.raised(site) and self._read(site).get("kept") is True

    def note(self, site: str, proof: Proof) -> None:
        """Keep with a fence that stands how it was proven."""
        self._write(site, {**self._read(site), "proof": {"how": proof.how, **proof.detail}})

    def noted(self, site: str) -> dict[str, object]:
        """How the fence was proven; nothing when it does not stand, or was never proven."""
        proof = self._read(site).get("proof") if self.raised(site) else None
        return proof if isinstance(proof, dict) else {}

    def lift(self, site: str) -> None:
        """Take the fence away: for who has seen that the site takes writes no more, or that it alone may."""
        if self.raised(site):
            self.file(site).unlink()
            sync_folder(self._folder)

    def file(self, site: str) -> Path:
        """The fence of a site."""
        return self._folder / f"{site}.json"

    def _read(self, site: str) -> dict[str, object]:
        try:
            entry = json.loads(self.file(site).read_bytes())
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise FenceError(
                f'the fence of site "{site}" cannot be read: {self.file(site)}',
                hint="it stands all the same; look at both sites before it is removed",
            )
        return entry

    def _write(self, site: str, entry: dict[str, object]) -> None:
        write_durably(self.file(site), json.dumps(entry, default=str).encode())
