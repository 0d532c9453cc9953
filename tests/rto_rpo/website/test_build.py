"""The site over all the evidence: its pages, what one more drill costs it, and hostile names."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from rto_rpo.controls.profile import profile
from rto_rpo.evidence.lines.record import Note
from rto_rpo.evidence.lines.signature import new_key
from rto_rpo.report.distrust import not_intact
from rto_rpo.website.build import Built, build
from rto_rpo.website.memory import MEMORY_NAME, SiteError
from tests.rto_rpo.dossier.stories import Story, by, run_of, whole_story
from tests.rto_rpo.report.runs import MET, MISSED
from tests.rto_rpo.report.test_html import HOSTILE, HOSTILE_RUN, Page

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def built(story: Story, to: Path, now: datetime = NOW) -> Built:
    return build(story.root, to, now=now, profiles=[profile("dora"), profile("nist-csf-2")])


def pages(to: Path) -> dict[str, str]:
    return {path.relative_to(to).as_posix(): path.read_text() for path in sorted(to.rglob("*.html"))}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return whole_story(tmp_path_factory.mktemp("story") / "evidence")


@pytest.fixture(scope="module")
def site(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("site") / "site"
    built(story, to)
    return to


def test_there_is_a_page_for_each_run_drill_service_and_dataset(site: Path) -> None:
    names = [re.sub(r"-[0-9a-f]{8}\.html$", "", name) for name in pages(site)]
    assert {"index.html", "findings.html", "controls.html"} <= set(names)
    assert [name for name in names if name.startswith("drills/")] == [
        "drills/cut-sites",
        "drills/kill-primary",
    ]
    assert [name for name in names if name.startswith("services/")] == [
        *("services/engine", "services/gateway", "services/orders", "services/ticks"),
    ]
    assert len([name for name in names if name.startswith("runs/")]) == 6


def test_no_page_calls_anybody_what_only_a_court_may(site: Path) -> None:
    assert pages(site)
    assert [name for name, text in pages(site).items() if "".join(("compli", "ant")) in text.lower()] == []


def test_every_link_leads_to_a_page_and_none_leaves(site: Path) -> None:
    there = pages(site)
    links = 0
    for name, text in there.items():
        page = Page(text)
        assert page.open == []
        for link in page.attributes("href"):
            if link == "data:,":
                continue
            links += 1
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in text
                continue
            assert not urlsplit(link).scheme
            target = (site / name).parent / link
            assert target.resolve().relative_to(site.resolve()).as_posix() in {*there, "findings.json"}
    assert links > 40


def test_what_was_not_run_and_not_tested_is_on_the_first_page(site: Path) -> None:
    words = " ".join(" ".join(Page((site / "index.html").read_text()).words).split())
    for told in ("Due, and not run 2", "Declared, and never run 1", "Declared, and never tested 3"):
        assert told in words
    assert "2026-11-27 06:00" in words


def test_the_page_of_controls_begins_with_a_count_of_each_profile_and_leads_to_it(site: Path) -> None:
    text = (site / "controls.html").read_text()
    words = " ".join(" ".join(Page(text).words).split())
    assert words.index("12 clauses of 2 profiles: ") < words.index("Art. 11(6)(a)")
    assert re.findall(r'<th scope="row"><a href="#(controls-1-\d)">', text) == [
        "controls-1-1",
        "controls-1-2",
    ]


def test_where_and_when_each_clause_was_read_stands_beside_its_words(site: Path) -> None:
    """On the page of controls and on that of each run, and whosever the profile is."""
    run = next(iter(sorted((site / "runs").iterdir())))
    for page in (site / "controls.html", run):
        told = " ".join("".join(Page(page.read_text()).words).split())
        for control in (*profile("dora").controls, *profile("nist-csf-2").controls):
            read = control.read
            assert f"“{control.quotation}” ({read.of}, read {read.date} at {read.address}" in told
        assert "rto_rpo/controls" not in told


def test_a_drills_page_begins_with_how_its_newest_run_ended(site: Path) -> None:
    told = {name: " ".join("".join(Page(text).words).split()) for name, text in pages(site).items()}
    ran, never = (
        next(text for name, text in told.items() if name.startswith(f"drills/{drill}"))
        for drill in ("kill-primary", "cut-sites")
    )
    assert "6 runs; due and not run: 2 times met in the newest run, of 2026-11-29." in ran
    assert "in the newest run" not in never


def test_each_page_says_which_of_them_it_is(site: Path) -> None:
    for name in ("index", "coverage", "findings", "controls"):
        text = (site / f"{name}.html").read_text()
        assert re.findall(r'<a href="([^"]*)" aria-current="page">', text) == [f"{name}.html"]
    drill = next(text for name, text in pages(site).items() if name.startswith("drills/"))
    assert 'aria-current="page"' not in drill


def test_the_register_is_there_for_programs(site: Path) -> None:
    told = {one["id"]: one for one in orjson.loads((site / "findings.json").read_bytes())}
    assert (told["F-2026-01"]["state"], told["F-2026-01"]["until"]) == ("accepted", "2026-12-31")
    assert (told["F-2026-02"]["state"], told["F-2026-02"]["retest"]["subject"]) == ("closed", "orders")
    assert [turn["what"] for turn in told["F-2026-02"]["turns"]] == [
        *("opened", "closed", "opened again", "closed"),
    ]


def test_one_more_drill_writes_its_page_and_leaves_the_others(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    for number in (1, 2):
        story.drill(run_of(MET, number))
    first = built(story, to)
    again = built(story, to)
    assert (again.kept, again.written) == (2, first.written - 2)
    story.drill(run_of(MISSED, 3))
    before = pages(to)
    more = built(story, to)
    assert (more.kept, more.written) == (2, again.written + 1)
    after = pages(to)
    old = [name for name in before if name.startswith("runs/")]
    assert [after[name] for name in old] == [before[name] for name in old]


def test_a_site_that_grew_is_the_site_made_at_once(tmp_path: Path) -> None:
    story, grown, once = Story(tmp_path / "evidence"), tmp_path / "grown", tmp_path / "once"
    for number, kind in enumerate((MET, MISSED, MET), 1):
        story.drill(run_of(kind, number))
        built(story, grown)
        if number == 2:
            story.say(Note(what="note", by=by("Ada"), text="said later"), 1)
    built(story, once)
    assert pages(grown) == pages(once)
    assert any("said later" in text for name, text in pages(grown).items() if name.startswith("runs/"))


def test_a_page_that_somebody_took_away_is_made_again(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    story.drill(run_of(MET, 1))
    built(story, to)
    [page] = (to / "runs").iterdir()
    page.unlink()
    assert built(story, to).kept == 0
    assert page.is_file()


def test_what_nothing_calls_for_any_more_is_removed_and_nothing_else(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    story.drill(run_of(MET, 1))
    built(story, to)
    (to / "mine.html").write_text("mine")
    other = Story(tmp_path / "other" / "evidence")
    other.drill(replace(run_of(MET, 2), drill="another"))
    assert built(other, to).removed == 1
    assert (to / "mine.html").read_text() == "mine"
    assert not any("kill-primary" in name for name in pages(to) if name.startswith("runs/"))


def test_it_is_never_built_over_something_else(tmp_path: Path, story: Story) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SiteError, match="holds something else"):
        built(story, tmp_path)
    with pytest.raises(SiteError, match="holds something else"):
        built(story, tmp_path / "file")
    site = tmp_path / "site"
    built(story, site)
    (site / MEMORY_NAME).write_text("{")
    with pytest.raises(SiteError, match="cannot be read"):
        built(story, site)


def test_a_site_of_another_version_is_made_anew(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    story.drill(run_of(MET, 1))
    first = built(story, to)
    path = to / MEMORY_NAME
    path.write_text(re.sub(r'"maker":"[0-9a-f]+"', '"maker":"other"', path.read_text()))
    assert built(story, to).written == first.written


def test_runs_without_a_report_are_told_and_no_evidence_at_all_makes_a_page(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    assert built(story, to).runs == 0
    assert "No drill yet" in (to / "index.html").read_text()
    folder = story.drill(run_of(MET, 1))
    shutil.rmtree(folder)
    built(story, to)
    text = (to / "index.html").read_text()
    assert "not intact: its folder is missing" in text
    assert list((to / "runs").iterdir()) == []


def test_hostile_names_are_text_in_every_page_and_never_a_path(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    services, drills = b"{'<script>alert(1)</script>': {rto: 1s}}", b"{'../../x': {fault: {kind: '<b>'}}}"
    plan = b"name: h\nservices: %b\ndrills: %b\n" % (services, drills)
    story.drill(replace(HOSTILE_RUN, number=1, plan=plan), scenario=HOSTILE)
    story.say(Note(what="note", by=by(HOSTILE), text=HOSTILE), 1)
    built(story, to)
    for name, text in pages(to).items():
        assert re.fullmatch(r"[A-Za-z0-9_./-]+", name)
        assert ".." not in name
        assert "<script" not in text
        assert "<img" not in text
        assert "\u202e" not in text
        assert "{{ 7*7 }}" in text or "7*7" not in text


def test_a_tabletop_has_its_minutes_on_its_drills_page(tmp_path: Path) -> None:
    story, to = Story(tmp_path / "evidence"), tmp_path / "site"
    story.talk(1)
    story.say(Note(what="note", by=by("Ada"), text="Who calls the venue?"), 1)
    built(story, to)
    [page] = [text for name, text in pages(to).items() if name.startswith("drills/talk")]
    words = " ".join(" ".join(Page(page).words).split())
    assert "note: Who calls the venue?" in words
    assert "nothing measured" in words
    assert "The office is lost. Question: who calls the venue?" in words
    assert "reviewer Bo" in words
    index = " ".join(Page(pages(to)["index.html"]).words)
    assert re.search(
        r'<a href="drills/talk-[0-9a-f]{8}\.html">2026-11-\d\d 06:00 UTC</a>', pages(to)["index.html"]
    )
    assert "0 run and judged, 1 talked through" in index


def test_no_page_calls_a_run_met_while_the_chain_does_not_hold_and_each_begins_with_that(
    tmp_path: Path,
) -> None:
    """As `blackstart report` of the single run does. When the chain holds again, so do the pages."""
    story, to = Story(tmp_path / "evidence", new_key(tmp_path / "key.pem")), tmp_path / "site"
    story.drill(run_of(MET, 1))
    story.talk(2)
    built(story, to)
    whole = pages(to)
    chain = story.root / "chain.jsonl"
    kept = chain.read_bytes()
    chain.write_bytes(re.sub(rb'"signature":"[0-9a-f]{128}"', b'"signature":"%b"' % (b"0" * 128), kept))
    findings = built(story, to).findings
    assert findings
    assert pages(to).keys() == whole.keys()
    for name, text in pages(to).items():
        told = " ".join(" ".join(Page(re.sub("(?s)<head>.*</head>", "", text)).words).split())
        assert told.lower().index("not intact") < 150, name
        assert "Every objective that this drill judged was met" not in told
    [run] = (to / "runs").iterdir()
    assert re.findall("<title>(.*?)</title>", run.read_text()) == [
        "NOT INTACT: trading-desk, drill kill-primary"
    ]
    assert not_intact(findings) in " ".join(" ".join(Page(run.read_text()).words).split())
    chain.write_bytes(kept)
    assert built(story, to).findings == ()
    assert pages(to) == whole
