"""The pages in a real browser: at a desk, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rto_rpo.report.document import document
from rto_rpo.report.forms.html import html
from rto_rpo.report.forms.runbook import Chapter, Runbook, RunbookStep
from rto_rpo.report.forms.runbook import html as runbook_page
from sites.drivers.browser import print_pdf
from tests.rto_rpo.conftest import CHROMIUM
from tests.rto_rpo.report.runs import write_run
from tests.rto_rpo.report.test_html import HOSTILE_RUN, RUNS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESK, PHONE = 1280, 390
CONTRAST_MIN = 4.5

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: NO PAGE WAS OPENED in a browser"
)

# Every text that is shown: its own colour against the nearest background that is painted.
CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (["STYLE", "TITLE", "desc", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const colour = parse(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), walker.currentNode.data.trim()]);
  }
  return found;
}"""


PLOTS_SHOWN = """() => [...document.querySelectorAll("figure")].map(
  figure => [...figure.querySelectorAll("svg")].filter(svg => svg.getClientRects().length).length
)"""


@pytest.fixture(scope="module", params=[*RUNS, "hostile"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    run = RUNS.get(request.param, HOSTILE_RUN)
    content = document(write_run(folder, run) / "ledger.jsonl", run.plan)
    (folder / "report.html").write_text(html(content))
    return (folder / "report.html").as_uri()


@dataclass(frozen=True)
class Opened:
    """A page that was opened, and everything that it said or asked for while it was."""

    page: Page
    address: str
    heard: tuple[str, ...]


@pytest.fixture(scope="module", params=[DESK, PHONE])
def opened(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Opened]:
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(address)
    yield Opened(page, address, tuple(heard))
    page.close()


def test_a_page_loads_with_no_error_and_no_request_leaving_it(opened: Opened) -> None:
    assert opened.heard == (opened.address,)


def test_a_page_fits_its_width_and_shows_each_plot_once(opened: Opened) -> None:
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    shown = page.evaluate(PLOTS_SHOWN)
    assert shown
    assert set(shown) == {1}
    assert page.locator("h1").bounding_box() is not None
    assert page.locator(".emblem").bounding_box() is not None


def test_every_text_stands_out_from_its_background(opened: Opened) -> None:
    contrasts = opened.page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [found for found in contrasts if found[0] < CONTRAST_MIN] == []


def test_on_paper_a_page_keeps_its_tables_and_has_plots_of_its_own(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    assert page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF-")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.locator("svg.paper").first.bounding_box() is not None
    assert page.locator("svg.wide").first.bounding_box() is None
    assert page.locator("thead").first.bounding_box() is not None
    page.close()


BY_HAND = "ssh -l " + "a" * 300 + " 10.0.0.1 &&\nsed 's/<b>/&/' <<'END'\n  set in\nEND"
SELECTED = """() => {
  getSelection().selectAllChildren(document.querySelector(".steps pre"));
  return getSelection().toString();
}"""


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_from_the_runbooks_page_is_copied_what_has_to_be_typed(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    step = RunbookStep("promote", "make it the writable one", BY_HAND, (), 30.0, undo=False)
    chapter = Chapter("failover", "the site is lost", "blackstart failover", (step,))
    made = Runbook("desk", "demo", "0" * 64, "2026-11-22 06:00 UTC", "a", "b", "automatic", (chapter,))
    (tmp_path / "runbook.html").write_text(runbook_page(made))
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((tmp_path / "runbook.html").as_uri())
    assert page.evaluate(SELECTED) == BY_HAND
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_command_that_prints_makes_a_pdf_of_a_few_pages(tmp_path: Path) -> None:
    content = document(write_run(tmp_path, RUNS["missed"]) / "ledger.jsonl", RUNS["missed"].plan)
    pdf = print_pdf(html(content).encode())
    assert pdf.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 20
