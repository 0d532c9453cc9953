"""No fence, no promote; what counts as proof; and what is fenced stays so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sites.capability import Proof, Target
from sites.errors import FenceError, SiteError
from sites.recovery.fence import ACCEPTED, Fence, Fences, Whole

GONE = Proof(True, "every process is gone")
ALIVE = Proof(False, "3 processes are alive")
DOCUMENT = Path(__file__).parents[3] / "docs" / "failover.md"


class Site:
    """A site that dies, or does not, or cannot even be asked to."""

    def __init__(self, *, gone: bool, dies: bool, broken: bool = False) -> None:
        self.gone, self.dies, self.broken, self.kills = gone, dies, broken, 0

    def targets(self) -> list[Target]:
        return []

    def kill(self) -> Proof:
        if self.broken:
            raise SiteError("cannot kill: its processes are another user's")
        self.kills += 1
        self.gone = self.dies
        return self.proven_gone()

    def proven_gone(self) -> Proof:
        return GONE if self.gone else ALIVE


class Database:
    """A server that the site does not run itself."""

    def __init__(self, proof: Proof) -> None:
        self.proof = proof

    def refuses_write(self, site: str) -> Proof:
        assert site == "primary"
        return self.proof


class Provider:
    """A power-off that works, or not."""

    def __init__(self, proof: Proof) -> None:
        self.proof, self.calls = proof, 0

    def off(self) -> Proof:
        self.calls += 1
        return self.proof

    @property
    def whole(self) -> Whole:
        return Whole("power off", self.off, lambda: self.proof)


REFUSED = Database(Proof(True, "db1 refused a write"))
SILENT = Database(Proof(False, "db1 did not answer: silence is no refused write"))
OFF = Proof(True, "the provider confirms that it is off")
NOT_OFF = Proof(False, "the provider says that it is not off")


def around(folder: Path, site: Site | None, *databases: Database, whole: Provider | None = None) -> Fence:
    named = {f"db{number}": database for number, database in enumerate(databases, 1)}
    return Fence(Fences(folder), "primary", site, named, (whole.whole,) if whole else ())


class FencedByItself(Site):
    """A site with a fence of its own, which leaves its processes alive."""

    def __init__(self, *, works: bool) -> None:
        super().__init__(gone=False, dies=False)
        self.works = works

    def fence(self) -> Proof:
        return Proof(self.works, "its fence command says so" if self.works else "its fence command failed")


def test_a_fence_of_the_site_s_own_counts_as_long_as_it_says_so(tmp_path: Path) -> None:
    site = FencedByItself(works=True)
    fence = around(tmp_path, site)
    assert fence.raise_().how == "its fence command says so"
    assert (fence.holds().holds, site.kills) == (True, 0)
    site.works = False
    assert not fence.holds().holds


def test_a_site_that_is_gone_is_not_killed_again(tmp_path: Path) -> None:
    site = Site(gone=True, dies=True)
    assert around(tmp_path, site).raise_().holds
    assert site.kills == 0


def test_what_is_alive_is_killed(tmp_path: Path) -> None:
    site = Site(gone=False, dies=True)
    assert around(tmp_path, site).raise_().holds
    assert site.kills == 1


@pytest.mark.parametrize(
    ("site", "databases", "said"),
    [
        (Site(gone=False, dies=False), (), "3 processes are alive"),
        (Site(gone=False, dies=False, broken=True), (), "another user's"),
        (Site(gone=True, dies=True), (SILENT,), "silence is no refused write"),
        (None, (REFUSED, SILENT), "silence is no refused write"),
        (None, (), "nothing of it can be asked"),
    ],
)
def test_without_proof_there_is_no_fence(
    tmp_path: Path, site: Site | None, databases: tuple[Database, ...], said: str
) -> None:
    fence = around(tmp_path, site, *databases)
    with pytest.raises(FenceError, match=f'cannot fence site "primary": .*{said}'):
        fence.raise_()
    assert Fences(tmp_path).raised("primary"), "it is written down before anything else"
    assert not fence.holds().holds


def test_each_part_must_be_proven(tmp_path: Path) -> None:
    proof = around(tmp_path, Site(gone=True, dies=True), REFUSED).raise_()
    assert proof.how == "every process is gone; db1 refused a write"
    assert around(tmp_path, None, REFUSED).raise_().holds, "a site that runs nothing has nothing to kill"


def test_a_proof_of_the_whole_site_is_asked_for_only_where_its_parts_prove_nothing(tmp_path: Path) -> None:
    provider = Provider(OFF)
    assert around(tmp_path, Site(gone=True, dies=True), REFUSED, whole=provider).raise_().holds
    assert provider.calls == 0
    proof = around(tmp_path, Site(gone=True, dies=True), SILENT, whole=provider).raise_()
    assert proof.how == "the provider confirms that it is off"
    assert around(tmp_path, Site(gone=True, dies=True), SILENT, whole=provider).holds().holds


def test_a_power_off_that_is_not_confirmed_is_no_fence(tmp_path: Path) -> None:
    with pytest.raises(FenceError, match="silence is no refused write; power off: the provider says"):
        around(tmp_path, None, SILENT, whole=Provider(NOT_OFF)).raise_()


@pytest.mark.parametrize("name", ["operator", "power off"])
def test_nobodys_word_stands_against_a_server_that_takes_writes(tmp_path: Path, name: str) -> None:
    """It may have been true when it was given; a machine that is to be turned off still may be."""
    server, said = Database(Proof(False, "db1 takes writes", {"takes_writes": True})), Provider(OFF)
    whole = Whole(name, said.off, lambda: said.proof)
    fence = Fence(Fences(tmp_path), "primary", None, {"db1": server}, (whole,))
    if name == "operator":
        with pytest.raises(FenceError, match="db1 takes writes"):
            fence.raise_()
        assert said.calls == 0, "a person was asked for a word that nobody could take"
    else:
        assert fence.raise_().holds
    assert not fence.holds().holds
    server.proof = SILENT.proof
    assert fence.holds().holds


def test_a_fence_that_was_lifted_holds_no_more(tmp_path: Path) -> None:
    fence = around(tmp_path, Site(gone=True, dies=True))
    fence.raise_()
    assert fence.holds().holds
    assert Fences(tmp_path).noted("primary") == {
        "how": "every process is gone",
        "proof": "gone",
        "kept_when_started": "no: no data folder is within reach",
    }
    fence.lift()
    assert fence.holds().how == 'site "primary" is not fenced'


class Kept:
    """What keeps a server from taking writes; somebody may start it just before."""

    def __init__(self, site: Site, *, revived: bool = False, broken: bool = False) -> None:
        self.site, self.revived, self.broken, self.there = site, revived, broken, False

    def write(self) -> bool:
        if self.broken:
            raise SiteError("its disk is read-only")
        self.site.gone = self.site.gone and not self.revived
        self.there = True
        return True

    def remove(self) -> None:
        if self.broken:
            raise SiteError("its disk is read-only")
        self.there = False


def kept_by(folder: Path, kept: Kept) -> Fence:
    return Fence(Fences(folder), "primary", kept.site, {}, signals=lambda: [kept])


def test_what_is_gone_is_kept_from_taking_writes_and_looked_at_again(tmp_path: Path) -> None:
    kept = Kept(Site(gone=True, dies=True), revived=True)
    fence = kept_by(tmp_path, kept)
    assert fence.raise_().detail["kept_when_started"] == "yes: 1 by standby.signal"
    assert (kept.there, kept.site.kills, kept.site.gone) == (True, 1, True)
    assert fence.raised_whole()
    fence.lift()
    assert not kept.there


def test_who_was_cut_off_before_it_was_kept_does_it_again(tmp_path: Path) -> None:
    kept = Kept(Site(gone=True, dies=True))
    fence = kept_by(tmp_path, kept)
    Fences(tmp_path).raise_("primary", "failover")
    assert fence.holds().holds
    assert not fence.raised_whole()


def test_a_server_that_cannot_be_kept_is_fenced_by_its_death_and_that_is_noted(tmp_path: Path) -> None:
    proof = kept_by(tmp_path, Kept(Site(gone=True, dies=True), broken=True)).raise_()
    assert (proof.holds, proof.detail["kept_when_started"]) == (True, "no: its disk is read-only")


def test_a_site_that_was_out_of_reach_need_not_be_reached_to_take_the_fence_back(tmp_path: Path) -> None:
    fence = kept_by(tmp_path, Kept(Site(gone=False, dies=False), broken=True))
    with pytest.raises(FenceError):
        fence.raise_()
    fence.lift()
    assert not Fences(tmp_path).raised("primary")


def test_a_fence_whose_site_lives_again_is_seen(tmp_path: Path) -> None:
    site = Site(gone=True, dies=True)
    fence = around(tmp_path, site)
    fence.raise_()
    site.gone = False
    assert not fence.holds().holds


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_fence_that_cannot_be_read_stands(tmp_path: Path, content: str) -> None:
    fences = Fences(tmp_path)
    fences.raise_("primary", "failover")
    fences.file("primary").write_text(content)
    assert fences.raised("primary")
    with pytest.raises(FenceError, match="cannot be read"):
        fences.noted("primary")


def test_the_document_and_the_code_have_one_table_of_proofs() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert [row for row in rows if row in {(a.proof, a.covers, a.needs) for a in ACCEPTED}] == [
        (accepted.proof, accepted.covers, accepted.needs) for accepted in ACCEPTED
    ]
