"""What the lists of the site say of single runs and of single words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rto_rpo.controls.profile import profile
from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.evidence.lines.record import Finding, FindingState, Note
from rto_rpo.evidence.lines.signature import new_key
from rto_rpo.website.build import build
from tests.rto_rpo.dossier.stories import DRILL, Story, by, run_of
from tests.rto_rpo.report.runs import MET, MISSED
from tests.rto_rpo.website.test_build import NOW, pages


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path / "evidence")


def site_of(story: Story) -> dict[str, str]:
    to = story.root.parent / "site"
    build(story.root, to, now=NOW, profiles=[profile("dora")])
    return pages(to)


def page_of_drill(site: dict[str, str], drill: str) -> str:
    [page] = [text for name, text in site.items() if name.startswith(f"drills/{drill}-")]
    return page


def test_a_run_that_was_met_and_never_undone_is_in_doubt_in_every_list(story: Story) -> None:
    stuck = Undone(utc="2026-11-23T06:00:00.000000Z", by="dead-man", undone="stuck", how="the site hangs")
    story.drill(run_of(MET, 1), undone=stuck)
    site = site_of(story)
    for page in (page_of_drill(site, DRILL), site["index.html"]):
        assert 'class="badge met"' not in page
        assert 'class="badge met-in-doubt"' in page


def test_a_finding_says_how_far_whoever_turned_it_may_be_believed(story: Story, tmp_path: Path) -> None:
    """A key of one's own under a name of the plan is no signature of that person's."""
    story.drill(run_of(MISSED, 1))
    for name, number in (("F-1", 1), ("F-2", 1), ("F-3", 1)):
        story.say(
            Finding(what="finding", by=by("Bo"), text=f"{name} is wrong", id=name, severity="low"), number
        )
    signer = {"F-1": "Cy", "F-2": None, "F-3": "Mallory"}
    story.people["Mallory"] = new_key(tmp_path / "mallory.pem")
    for name, signed in signer.items():
        accepted = FindingState(what="finding_state", by=by("Cy"), text="so be it", id=name, state="accepted")
        story.say(accepted, 1, by=signed)
    story.drill(run_of(MISSED, 2))
    site = site_of(story)
    page = site["findings.html"]
    identity = {name: key.public.identity for name, key in story.people.items()}
    assert f"by Cy (signed by key {identity['Cy']})" in page
    assert "by Cy (claimed, not signed)" in page
    assert f"by Cy (signed by key {identity['Mallory']}, which the plan does not list)" in page
    told = json.loads((story.root.parent / "site" / "findings.json").read_bytes())
    turns = {one["id"]: one["turns"][-1]["standing"] for one in told}
    assert {name: turns[name] for name in signer} == {"F-1": "signed", "F-2": "claimed", "F-3": "unlisted"}


def test_minutes_say_whose_key_the_plan_does_not_list(story: Story, tmp_path: Path) -> None:
    story.people["Mallory"] = new_key(tmp_path / "mallory.pem")
    story.talk(1)
    story.say(Note(what="note", by=by("Bo"), text="We call the venue."), 1, by="Mallory")
    page = page_of_drill(site_of(story), "talk")
    assert f"signed by key {story.people['Mallory'].public.identity}, which the plan does not list" in page
