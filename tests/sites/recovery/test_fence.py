"""No fence, no promote; and what is fenced stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.capability import Proof, Target
from sites.errors import FenceError
from sites.recovery.fence import Fences, fence

GONE = Proof(True, "every process is gone")
ALIVE = Proof(False, "3 processes are alive")


class Site:
    """A site that dies, or does not."""

    def __init__(self, *, gone: bool, dies: bool) -> None:
        self.gone, self.dies, self.kills = gone, dies, 0

    def targets(self) -> list[Target]:
        return []

    def kill(self) -> Proof:
        self.kills += 1
        self.gone = self.dies
        return self.proven_gone()

    def proven_gone(self) -> Proof:
        return GONE if self.gone else ALIVE


def test_a_site_that_is_gone_is_not_killed_again(tmp_path: Path) -> None:
    site = Site(gone=True, dies=True)
    assert fence(Fences(tmp_path), "primary", site, {}).holds
    assert site.kills == 0


def test_what_is_alive_is_killed(tmp_path: Path) -> None:
    site = Site(gone=False, dies=True)
    assert fence(Fences(tmp_path), "primary", site, {}).holds
    assert site.kills == 1


def test_without_proof_there_is_no_fence(tmp_path: Path) -> None:
    with pytest.raises(FenceError, match='cannot fence site "primary": 3 processes are alive'):
        fence(Fences(tmp_path), "primary", Site(gone=False, dies=False), {})


def test_the_fence_is_written_down_before_anything_else(tmp_path: Path) -> None:
    fences = Fences(tmp_path)
    with pytest.raises(FenceError):
        fence(fences, "primary", Site(gone=False, dies=False), {})
    assert fences.raised("primary")


def test_a_fence_stands_until_its_file_is_removed(tmp_path: Path) -> None:
    Fences(tmp_path).raise_("primary", "failover")
    assert Fences(tmp_path).raised("primary")
    Fences(tmp_path).file("primary").unlink()
    assert not Fences(tmp_path).raised("primary")


class Database:
    """A server that the site does not run itself."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof

    def refuses_write(self, site: str) -> Proof:
        assert site == "primary"
        return self._proof


def test_a_database_that_is_no_process_of_the_site_must_refuse_writes_as_well(tmp_path: Path) -> None:
    site = Site(gone=True, dies=True)
    refusing = {"orders": Database(Proof(True, "db1 refused a write"))}
    assert "db1 refused a write" in fence(Fences(tmp_path), "primary", site, refusing).how
    silent = {"orders": Database(Proof(False, "db1 did not answer: silence is no refused write"))}
    with pytest.raises(FenceError, match="silence is no refused write"):
        fence(Fences(tmp_path), "primary", site, silent)
