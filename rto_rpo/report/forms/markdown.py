"""report.md: the page's content, shorter, in GitHub's Markdown. Everything hostile is escaped here, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rto_rpo import JUDGE
from rto_rpo.dossier.cells import Tried, grid, sum_up
from rto_rpo.dossier.dossier import Dossier
from rto_rpo.dossier.finding import Finding
from rto_rpo.evidence.agreed.authority import Authority
from rto_rpo.report import aftermath, people, sentences, versions, words
from rto_rpo.report.distrust import NOT_INTACT, head
from rto_rpo.report.forms.escaped import code, safe, table
from rto_rpo.report.forms.markdown_sections import agreed, happened, history, restored, took_part
from rto_rpo.report.maker import maker
from rto_rpo.report.model import RecoveryPoint, RecoveryTime, Report
from rto_rpo.report.plots.outage import numbered
from rto_rpo.report.safety import safety

_LOST_MAX = 50
_WORDS = {
    "met": "✅ met",
    "met, in doubt": "❔ met, in doubt",
    "missed": "❌ missed",
    "inconclusive": "❔ inconclusive",
    NOT_INTACT: "❔ not intact",
}


def markdown(content: dict[str, Any], dossier: Dossier | None = None) -> str:
    """The Markdown of a report's content (as in report.json), and of what the evidence says beside it."""
    report = Report.model_validate(content)
    return "\n".join(_lines(report, dossier)) + "\n"


def _lines(report: Report, dossier: Dossier | None) -> Iterator[str]:
    yield f"# {_WORDS[head(report)]}: {safe(aftermath.headline(report))}"
    if dossier and dossier.shelf.unsigned:
        yield from ("", f"**{dossier.shelf.unsigned}.**")
    if report.judge != JUDGE:
        yield from ("", safe(f"Judged by other rules ({report.judge}) than those that drew this ({JUDGE})."))
    yield from ("", safe(sentences.what_happened(report)))
    if reasons := sentences.reasons(report):
        yield from ("", *(f"- {safe(reason)}" for reason in reasons))
    yield from ("", f"**Changed since the previous run:** {safe(sentences.changed(report))}.")
    yield from ("", "## Promised and measured", "", *_promises(report))
    yield from ("", f"**Not tested:** {_not_tested(report)}")
    yield from _changes(report)
    yield from agreed(report, dossier)
    yield from _versions(report)
    for time in report.recovery_times:
        yield from _phases(report, time)
    for point in report.recovery_points:
        yield from _losses(report, point)
    yield from restored(report)
    yield from _checks(report)
    yield from ("", f"**What became of the damage:** {safe(aftermath.damage(report))}")
    yield from ("", f"**Moved back:** {safe(aftermath.moved_back(report))}")
    yield from _safety(report)
    yield from happened(report)
    if dossier:
        yield from _around(dossier)
    yield from _instrument(report)
    yield from _evidence(report)
    yield from ("", f"Drawn by blackstart `{maker()}`.")


def _promises(report: Report) -> Iterator[str]:
    rows = [
        (
            f"{judgement.subject} {judgement.objective.upper()}",
            words.declared(judgement.declared_seconds),
            sentences.measured(report, judgement),
            _WORDS[judgement.standing],
        )
        for judgement in report.judgements
    ]
    if report.safe:
        measured, state = sentences.safe(report)
        rows.append(("safe RTO", "not judged", measured, state))
    rows += [
        (f"{one.subject} {one.objective.upper()}", words.declared(one.declared_seconds), "", "not tested")
        for one in report.not_tested
    ]
    yield from table(("Promise", "Declared", "Measured", "Verdict"), rows)


def _not_tested(report: Report) -> str:
    names = [f"{one.subject} {one.objective.upper()}" for one in report.not_tested]
    return safe(", ".join(names)) if names else "nothing that the plan declares."


def _phases(report: Report, time: RecoveryTime) -> Iterator[str]:
    if time.phases:
        yield from ("", f"## How long {safe(sentences.service(report, time.stream))} was gone", "")
        rows = [
            (name.replace("_", " "), words.offset(begin), words.length(end - begin))
            for _, name, begin, end in numbered(time)
        ]
        yield from table(("Phase", "From the fault", "Took"), rows)


def _losses(report: Report, point: RecoveryPoint) -> Iterator[str]:
    yield from ("", f"## What {safe(point.stream)} lost", "", safe(sentences.lost(point)) + ".")
    if bound := sentences.loss_bound(point):
        yield from ("", safe(bound))
    verified = sentences.verification(report, point)
    yield from ("", safe(f"Verification (everything read back; after the outage): {verified}."))
    found = [
        (what, f"{len(numbers):,}", words.numbers(numbers))
        for what, _, _, numbers in sentences.ways(point)
        if numbers
    ]
    if found:
        yield from ("", *table(("What", "Found", "Numbers"), found))
    if point.lost:
        rows = [
            (
                str(write.number),
                write.acknowledged_utc or "unknown",
                words.offset(write.acknowledged_at_seconds),
            )
            for write in point.lost[:_LOST_MAX]
        ]
        yield from ("", *table(("Lost write", "Acknowledged (UTC)", "From the fault"), rows))
    if len(point.lost) > _LOST_MAX:
        yield from ("", f"The first {_LOST_MAX} of {len(point.lost):,}; report.json has them all.")


def _checks(report: Report) -> Iterator[str]:
    rows = [(f"split brain: {one.stream}", _WORDS[one.standing], one.reason) for one in report.split_brain]
    rows += [(check.name, _WORDS[check.standing], check.reason) for check in report.checks]
    if rows:
        yield from ("", "## Checks", "", *table(("Check", "Verdict", "Why"), rows))


def _changes(report: Report) -> Iterator[str]:
    if report.charter and report.charter.changes:
        rows = [
            (change.about, change.place, change.before or "was not there", change.after or "is gone")
            for change in report.charter.changes
        ]
        yield from ("", "## Changed since the previous run", "")
        yield from table(("About", "Place in the plan", "Before", "Now"), rows)


def _versions(report: Report) -> Iterator[str]:
    yield from ("", "## Versions of what was tried", "")
    if not report.versions:
        yield safe(f"Not known: {versions.NOT_ASKED}.")
        return
    yield safe(f"As each said itself, on {versions.when(report)}. {versions.counted(report)}.")
    yield from (f"\n**Not the same everywhere:** {safe(one)}" for one in versions.unlike(report))
    rows = [(one.what, one.where, versions.shown(one), one.by) for one in report.versions]
    yield from ("", *table(("What", "Where", "Version", "Said by"), rows))


def _safety(report: Report) -> Iterator[str]:
    rows = [(one.what, _WORDS.get(one.state, one.state), one.why) for one in safety(report)]
    yield from ("", "## Trading safety", "", *table(("What", "Shown", "Why"), rows))


def _around(dossier: Dossier) -> Iterator[str]:
    day = dossier.day.isoformat()
    yield from took_part(dossier)
    yield from history(dossier)
    if dossier.not_run:
        names = [
            f"{one.drill} on {one.due:%Y-%m-%d %H:%M} UTC" + (f" ({one.why})" if one.why else "")
            for one in dossier.not_run[-20:]
        ]
        yield from ("", f"**Due, and not run:** {safe(', '.join(names))}")
    for one in dossier.blind:
        told = f"{one.since:%Y-%m-%d} to {one.until:%Y-%m-%d}"
        yield from ("", f"**Not known which drills were due:** {told}, no charter tells")
    rows = [
        (f"{one.kind} {one.name} {one.what}", _WORDS.get(one.state, one.state), str(one.count))
        for one in dossier.coverage
    ]
    if rows:
        yield from ("", "## Tested so far", "", *table(("What", "Newest", "Runs"), rows))
    yield from _cells(dossier)
    found = [
        (one.id, one.text, one.severity, _stands(one, day), one.owner or "nobody", one.due or "no day")
        for one in dossier.findings
    ]
    yield from ("", "## Findings", "")
    if found:
        yield from table(("Finding", "What", "Severity", "State", "Owner", "Due"), found)
    else:
        yield "None."
    for mapping in dossier.mappings:
        controls = [(one.control.clause, one.state, one.reason) for one in mapping.assessments]
        yield from ("", f"## Control mapping: {safe(mapping.profile.title)}", "")
        yield from table(("Clause", "State", "Evidence"), controls)
    if who := people.of(dossier):
        yield from _sign_off(who)


def _stands(one: Finding, day: str) -> str:
    """The state, and the person who made it so."""
    said = f", {one.last.what} by {people.turned(one.last)}" if one.last.by else ""
    return f"{one.state(day)}{said}"


def _cells(dossier: Dossier) -> Iterator[str]:
    """Fault by kind of site and of dataset, as the page has it."""
    yield from ("", "## Which damage was tried, and on what", "")
    if not dossier.cells:
        yield "Not known: no charter says which combinations there are."
        return
    drawn = grid(dossier.cells)
    yield from (safe(f"{sum_up(dossier.cells)}."), "")
    heads = [
        f"{site}, {'service alone' if dataset == 'none' else dataset}" for site, dataset in drawn.columns
    ]
    rows = [(fault, *(_tried(one) for one in row)) for fault, row in drawn.rows]
    yield from table(("Fault", *(safe(head) for head in heads)), rows)


def _tried(one: Tried | None) -> str:
    if one is None:
        return "n.a."
    return f"{_WORDS.get(one.state, one.state)} {one.day}" if one.run else "not tested"


def _sign_off(who: Authority) -> Iterator[str]:
    signed = [
        (one.name, one.role or "", one.decision or "", people.stand(one), words.moment(one.utc))
        for one in who.sign_offs
    ]
    yield from ("", "## Sign-off", "")
    if signed:
        yield from table(("By", "Role", "Decision", "Standing", "When (UTC)"), signed)
    yield from (f"- {safe(problem)}" for problem in who.problems)


def _instrument(report: Report) -> Iterator[str]:
    instrument = report.instrument
    lag = words.length(instrument.sent_max_seconds) if instrument.sent_max_seconds is not None else "unknown"
    yield from ("", "## The instrument", "")
    yield f"- Void: {safe(instrument.void or 'no')}"
    yield f"- Sent late by at most {lag}; longest standstill {words.length(instrument.stall_max_seconds)}"
    yield f"- {safe(sentences.calibrated(instrument.calibration))}"


def _evidence(report: Report) -> Iterator[str]:
    yield from ("", "## Evidence", "")
    yield f"- Run `{code(report.run)}`, judge {safe(report.judge)}"
    yield f"- plan.yaml SHA-256 `{report.plan.sha256}`"
    yield f"- ledger.jsonl SHA-256 `{report.ledger.sha256}`"
    yield "- `blackstart verify EVIDENCE_FOLDER --head HEAD --key public_key.pem` computes all of it again"
