"""What the lists of the site say of single runs and of single words."""

from __future__ import annotations

from pathlib import Path

import pytest

from rto_rpo.controls.profile import profile
from rto_rpo.evidence.keeping.undone import Undone
from rto_rpo.website.build import build
from tests.rto_rpo.dossier.stories import DRILL, Story, run_of
from tests.rto_rpo.report.runs import MET
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
