"""A runbook for people: read offline, step by step, with the command that does each one by hand.

It is stamped with the hash of the plan that it follows from: one of another plan is out of date.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from rto_rpo.report.forms.contents import with_contents
from rto_rpo.report.forms.escaped import safe
from rto_rpo.report.forms.html import templates
from rto_rpo.report.visible import visible
from rto_rpo.report.words import declared


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """`needs` are the steps that must be done before it; `undo` says whether it can be taken back."""

    name: str
    says: str
    by_hand: str
    needs: tuple[str, ...]
    limit_seconds: float
    undo: bool


@dataclass(frozen=True, slots=True)
class Chapter:
    """One act: its steps, each after what it needs. `not_possible` says why there are none."""

    act: str
    means: str
    command: str
    steps: tuple[RunbookStep, ...] = ()
    not_possible: str | None = None


@dataclass(frozen=True, slots=True)
class Runbook:
    plan: str
    environment: str
    sha256: str
    made: str
    from_site: str
    to_site: str
    decide: str
    chapters: tuple[Chapter, ...]


def html(runbook: Runbook) -> str:
    """One page, with nothing in it that is fetched from anywhere."""
    page = templates().get_template("runbook.html")
    return with_contents(page.render(runbook=runbook, limit=declared, number_of=numbers, typed=typed))


def typed(command: str) -> Markup:
    """A command as it has to be typed: line by line, each an element that shows where it begins."""
    lines = (Markup("<span>{}\n</span>").format(visible(line)) for line in command.split("\n"))
    return Markup("").join(lines)


def markdown(runbook: Runbook) -> str:
    lines = [
        f"# Runbook: {_line(runbook.plan)} ({_line(runbook.environment)})",
        "",
        f"From site `{runbook.from_site}` to site `{runbook.to_site}`; decided: {runbook.decide}.",
        f"Made {runbook.made} from the plan with SHA-256",
        f"`{runbook.sha256}`.",
        "If `sha256sum` says another one of the plan in force, this is out of date.",
        "",
        "Each step comes after those that it needs; steps that do not need each other may be done side by",
        "side. Tick a step off once you have seen that it is so.",
    ]
    for chapter in runbook.chapters:
        lines += ["", *_chapter(chapter)]
    return "\n".join(lines) + "\n"


def numbers(chapter: Chapter) -> dict[str, int]:
    """By which number each step goes."""
    return {step.name: number for number, step in enumerate(chapter.steps, 1)}


def _chapter(chapter: Chapter) -> list[str]:
    lines = [f"## {chapter.act.capitalize()}", "", _line(chapter.means)]
    if chapter.not_possible is not None:
        return [*lines, "", f"Not with this plan: {_line(chapter.not_possible)}"]
    lines += ["", "All of it at once:", "", *_code(chapter.command), "", "By hand, step by step:", ""]
    number_of = numbers(chapter)
    for number, step in enumerate(chapter.steps, 1):
        after = ", ".join(str(number_of[need]) for need in step.needs)
        when = f"{f'after {after}' if after else 'first'}; within {declared(step.limit_seconds)}"
        lines += [
            f"- [ ] **{number}. {_line(step.name)}**: {_line(step.says)}  ",
            f"      {when}{'; can be taken back' if step.undo else ''}",
            "",
            *(f"      {line}" for line in _code(step.by_hand)),
            "",
        ]
    return lines[:-1]


def _code(command: str) -> list[str]:
    """Fenced by more backticks than are in it."""
    fence = "```"
    while fence in command:
        fence += "`"
    return [fence, *command.splitlines(), fence]


def _line(said: str) -> str:
    """Plain text as Markdown, on one line."""
    return safe(" ".join(said.split()))
