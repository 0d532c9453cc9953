"""The runbook for people: of this plan, whole, readable with nothing around it."""

from __future__ import annotations

import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.recovery.failover import preview
from flows.recovery.runbook import document
from sites.estate import Estate
from sites.plan import read_plan

SHELL = {
    "kind": "shell",
    "start": ["ctl", "start"],
    "stop": ["ctl", "stop"],
    "kill": ["ctl", "kill"],
    "status": ["ctl", "status"],
    "fence": ["ctl", "fence"],
    "processes": {"web": {}},
}
PLAN: dict[str, Any] = {
    "name": "light",
    "environment": "test",
    "sites": {
        "here": SHELL,
        "there": {
            "kind": "processes",
            "path": "there",
            "processes": {
                "web": {
                    "command": ["serve", "--say", "a b"],
                    "env": {"COLOUR": "red", "TOKEN": {"env": "WEB_TOKEN"}},
                }
            },
        },
    },
    "services": {"web": {"process": "web"}},
    "failover": {
        "from": "here",
        "to": "there",
        "decide": "approval",
        "power_off": {"command": ["cloud", "off"], "confirm": ["cloud", "is-off"]},
        "steps": {"call": {"do": ["./call"], "after": ["start web"], "by_hand": "call the bank ```now```"}},
        "approvals": {"go": {"ask": "<b>Go</b>, `now`?", "before": ["start web"]}},
    },
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEB_TOKEN", "swordfish")
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(PLAN))
    return path


def told(plan: Path, *more: str) -> str:
    ended = CliRunner().invoke(app, ["report", "--runbook", "--plan", str(plan), *more])
    assert ended.exit_code == 0, ended.output + repr(ended.exception)
    return ended.stdout


class Text(HTMLParser):
    """What a reader sees of a page, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.fetched: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = [value or "" for name, value in attrs if name in ("src", "href")]
        self.fetched += [value for value in found if not value.startswith("data:")]
        assert tag not in ("script", "iframe", "img")


@pytest.mark.parametrize("form", ["md", "html"])
def test_it_has_every_step_and_is_stamped_with_the_plan(plan: Path, form: str) -> None:
    steps = preview(Estate(read_plan(plan, plan.read_bytes(), {})))
    said = told(plan, "--format", form)
    if form == "html":
        page = Text()
        page.feed(said)
        assert [one for one in page.fetched if not one.startswith("#")] == [], "it is read offline"
        said = "".join(page.seen)
    assert hashlib.sha256(plan.read_bytes()).hexdigest() in said
    places = [said.index(f"{number}. {step.step}") for number, step in enumerate(steps, 1)]
    assert places == sorted(places)
    for step in steps:
        for line in step.by_hand.splitlines():
            assert line in said
    assert "Not with this plan" not in said
    assert "swordfish" not in said


def test_what_is_typed_by_hand_is_what_the_plan_says(plan: Path) -> None:
    by_hand = {step.step: step.by_hand for step in preview(Estate(read_plan(plan, plan.read_bytes(), {})))}
    assert by_hand["fence here"].splitlines() == [
        f"(cd {plan.parent} && BLACKSTART_SITE=here BLACKSTART_PROCESS='' ctl fence)",
        f"(cd {plan.parent} && BLACKSTART_SITE=here cloud off)",
        f"(cd {plan.parent} && BLACKSTART_SITE=here cloud is-off)   # exits 0 once it is off",
    ]
    there = plan.parent / "there"
    assert by_hand["start web"] == (
        f"(mkdir -p {there}/logs && cd {there} && {{ COLOUR=red TOKEN=\"$WEB_TOKEN\" nohup serve --say 'a b' "
        f"< /dev/null >> {there}/logs/web.log 2>&1 & }})"
    )
    assert by_hand["run call"] == "call the bank ```now```"


def test_what_is_copied_from_the_page_is_what_is_typed_line_by_line(plan: Path) -> None:
    made = document(Estate(read_plan(plan, plan.read_bytes(), {})))
    wanted = [f"{step.by_hand}\n" for chapter in made.chapters for step in chapter.steps if step.by_hand]
    assert any(by_hand.count("\n") > 1 for by_hand in wanted), "one of several lines"
    page = told(plan, "--format", "html")
    copied = re.findall(r"<pre><code>((?:(?!</code>).)*)</code></pre></li>", page, re.DOTALL)
    assert [html.unescape(re.sub(r"</?span>", "", one)) for one in copied] == wanted


def test_nothing_in_a_plan_becomes_markup(plan: Path) -> None:
    page, text = told(plan, "--format", "html"), told(plan)
    assert "<b>Go" not in page
    assert "\\<b\\>Go" in text
    fences = re.findall(r"^ *(`{3,})", text, re.MULTILINE)
    assert "````" in fences, "a longer fence around what has one in it"
    assert len(fences) % 2 == 0


def test_it_is_written_to_a_file_once(plan: Path, tmp_path: Path) -> None:
    to = tmp_path / "runbook.html"
    assert json.loads(told(plan, "--to", str(to), "--json"))["written"] == str(to)
    assert to.read_text().startswith("<!doctype html>")
    again = CliRunner().invoke(app, ["report", "--runbook", "--plan", str(plan), "--to", str(to)])
    assert "is there already" in str(again.exception)
    other = CliRunner().invoke(app, ["report", "--runbook", "--plan", str(plan), "--format", "csv"])
    assert "is not written as csv" in str(other.exception)


def test_what_cannot_be_done_with_the_plan_is_said(plan: Path) -> None:
    declared = {
        **PLAN,
        "datasets": {
            "orders": {
                "kind": "postgres",
                "database": "d",
                "user": "u",
                "primary": {"site": "here", "host": "127.0.0.1", "port": 5},
                "standby": {"site": "there", "host": "127.0.0.1", "port": 6},
            }
        },
    }
    plan.write_text(yaml.safe_dump(declared))
    made = document(Estate(read_plan(plan, plan.read_bytes(), {})))
    assert [chapter.not_possible is None for chapter in made.chapters] == [True, False, False]
    assert "Not with this plan: cannot switch over" in told(plan)


@pytest.mark.parametrize("act", ["failover", "switchover", "failback"])
def test_a_plan_without_a_database_has_a_line_for_each_step_all_the_same(act: str, plan: Path) -> None:
    shown = CliRunner().invoke(app, [act, "--preview", "--plan", str(plan)])
    assert shown.exit_code == 0, shown.output + repr(shown.exception)
    steps = re.findall(r"^ *\d+\. ", shown.stdout, re.MULTILINE)
    assert len(re.findall(r"by hand: \S", shown.stdout)) == len(steps) > 0
