"""Every page of the site in a real browser: at a desk and on a phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rto_rpo.controls.profile import profile, shipped
from rto_rpo.evidence.lines.record import Note
from rto_rpo.series.gather import gather
from rto_rpo.series.page import page as history
from rto_rpo.website.build import build
from tests.rto_rpo.conftest import CHROMIUM
from tests.rto_rpo.dossier.stories import Story, by, run_of, whole_story
from tests.rto_rpo.report.runs import MET
from tests.rto_rpo.report.test_browser import CONTRAST_MIN, CONTRASTS, DESK, PHONE, PLOTS_SHOWN
from tests.rto_rpo.report.test_html import HOSTILE, HOSTILE_RUN

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: NO PAGE WAS OPENED in a browser"
)

SHEET = 680  # an A4 sheet between its margins, in CSS pixels
# What is wider than its own cell lies over the next one, or outside the sheet.
BURSTING = """() => [...document.querySelectorAll("th, td, dd, pre, p, li, caption")]
  .filter(each => each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1)
  .map(each => each.textContent.trim().slice(0, 80))"""

# A word of a cell that was broken in two, for its column was squeezed.
BROKEN = """() => {
  const found = [], range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("th, td") || !walker.currentNode.data.trim()) continue;
    for (const word of walker.currentNode.data.matchAll(/[A-Za-z]{2,14}/g)) {
      range.setStart(walker.currentNode, word.index);
      range.setEnd(walker.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(each => each.top)).size > 1) found.push(word[0]);
    }
  }
  return found;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    story = whole_story(folder / "evidence")
    profiles = [profile(name) for name in shipped()]
    uncalibrated = replace(MET, calibration=None)
    story.drill(run_of(uncalibrated, 8))
    (story.drill(run_of(uncalibrated, 9)) / "charter.json").unlink()  # what was due from then on is not known
    build(story.root, folder / "site", now=datetime(2026, 12, 3, tzinfo=UTC), profiles=profiles)
    (folder / "site" / "history.html").write_text(history(gather(story.root)))
    assert "nothing says which drills were due" in (folder / "site" / "index.html").read_text()
    return folder / "site"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_every_page_loads_quietly_fits_and_can_be_read(browser: Browser, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    heard = _listen(page)
    addresses = [path.as_uri() for path in sorted(site.rglob("*.html"))]
    # reports, but that of the run that is not intact; drills, services and datasets, overviews, history
    assert len(addresses) == 18
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(BURSTING) == [], address
        assert page.evaluate(BROKEN) == [], address
        assert set(page.evaluate(PLOTS_SHOWN)) <= {1}, address
        faint = [one for one in page.evaluate(CONTRASTS) if one[0] < CONTRAST_MIN]
        assert faint == [], address
    assert heard == addresses
    page.close()


def test_on_paper_no_page_is_wider_than_its_sheet(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": SHEET, "height": 1000})
    page.emulate_media(media="print")
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= SHEET, path
        assert page.evaluate(BURSTING) == [], path
        assert page.evaluate(BROKEN) == [], path
    page.close()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_hostile_names_neither_act_nor_burst_a_page(browser: Browser, tmp_path: Path, width: int) -> None:
    story = Story(tmp_path / "evidence")
    story.drill(replace(HOSTILE_RUN, number=1), scenario=HOSTILE)
    for what in ("note", "deviation"):
        story.say(Note(what=what, by=by(HOSTILE), text="w" * 400 + HOSTILE), 1)  # type: ignore[arg-type]
    build(story.root, tmp_path / "site", now=datetime(2026, 12, 1, tzinfo=UTC), profiles=[profile("dora")])
    (tmp_path / "site" / "history.html").write_text(history(gather(story.root)))
    page = browser.new_page(viewport={"width": width, "height": 900})
    heard = _listen(page)
    addresses = [path.as_uri() for path in sorted((tmp_path / "site").rglob("*.html"))]
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert heard == addresses
    page.close()


def test_a_reader_gets_from_the_first_page_to_a_run_and_back(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    heard = _listen(page)
    page.goto((site / "index.html").as_uri())
    page.get_by_role("link", name="2026-11-28 06:00").click()
    assert page.locator("h1").inner_text() == "Missed"
    page.get_by_role("link", name="All drills").click()
    assert page.locator("h1").inner_text() == "8 drills"
    assert all(one.startswith("file:") for one in heard)
    page.close()


def _listen(page: Page) -> list[str]:
    """Whatever a page says or asks for."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: heard.append(request.url))
    return heard
