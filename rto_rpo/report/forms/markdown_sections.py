"""The sections of report.md on what was agreed, who took part, what was restored, what happened and when."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.dossier.dossier import Dossier
from rto_rpo.report import backups, damage, people, sentences, words
from rto_rpo.report.forms.escaped import safe, table
from rto_rpo.report.model import Event, Report

_EVENTS_MAX = 100


def agreed(report: Report, dossier: Dossier | None) -> Iterator[str]:
    """Who started it, on which scenario, approved by whom, with which roles."""
    charter = report.charter
    started = f"{charter.executor.name} ({charter.executor.how})" if charter else "not written down"
    frozen = charter.criteria_sha256 if charter and charter.criteria_sha256 else "not frozen before the run"
    scenario = (charter.scenario or "").strip() if charter else ""
    yield from ("", "## Who agreed to it, and to what", "")
    yield f"- Started by: {safe(started)}"
    yield f"- Success criteria, by their hash: {safe(frozen)}"
    yield f"- Ends at the latest after: {safe(words.declared(report.limits.deadline_seconds))}"
    yield f"- Scenario: {safe(scenario or 'none was written down beforehand')}"
    yield f"- {safe(damage.planned(report))}"
    who = people.of(dossier) if dossier else None
    if dossier and who:
        yield f"- Approved beforehand: {safe(people.decided(who.approvals) or 'nobody is on record')}"
        rows = [
            (role, planned or "nobody named", actual or "not on record")
            for role, planned, actual in people.roles(dossier, who)
        ]
        yield from ("", *table(("Role", "Planned", "Actual"), rows))


def restored(report: Report) -> Iterator[str]:
    """What was restored from a backup."""
    yield from ("", "## Backup and restore", "")
    rows = [_restored(one) for one in backups.restored(report)]
    if rows:
        yield from table(("Dataset", "At", "Took", "Whole", "Recovery point"), rows)
    else:
        yield "**Not tested:** nothing was restored from a backup in this drill."


def _restored(event: Event) -> tuple[str, ...]:
    told, took = event.detail, event.detail.get("seconds")
    return (
        str(told.get("dataset") or "not named"),
        words.offset(event.at_seconds),
        words.length(took) if isinstance(took, int | float) else "unknown",
        "yes" if told.get("complete") is True else "not shown",
        backups.taken(event),
    )


def happened(report: Report) -> Iterator[str]:
    """Every event by its time; what each told of itself is in report.json."""
    events = report.timeline.events
    yield from ("", "## Everything that happened", "")
    if not events:
        yield "No event was recorded."
        return
    rows = [
        (words.offset(one.at_seconds), one.name.replace("_", " "), one.source) for one in events[:_EVENTS_MAX]
    ]
    yield from table((f"From {sentences.zero(report)}", "Event", "Told by"), rows)
    if len(events) > _EVENTS_MAX:
        yield from ("", f"The first {_EVENTS_MAX} of {len(events):,}; report.json has them all.")


def took_part(dossier: Dossier) -> Iterator[str]:
    """Who was called and came, what went another way than planned, and what was learned."""
    who = people.of(dossier)
    if who is None:
        return
    yield from ("", "## Who took part, and communication", "")
    if came := people.attended(who):
        rows = [(one.person, one.role or "not planned", people.came(one)) for one in came]
        yield from table(("Who", "Role", "On record"), rows)
    else:
        yield "**Not tested:** nobody is on record as called or present."
    for title, said in (("Deviations", who.deviations), ("Lessons", who.notes)):
        yield from ("", f"## {title}", "")
        yield from (f"- {safe(f'{one.name} ({people.stand(one)}): {one.text}')}" for one in said)
        if not said:
            yield "None is on record."


def history(dossier: Dossier) -> Iterator[str]:
    """What the runs of each promise show together."""
    yield from ("", "## Drill after drill", "")
    rows = []
    for promise in dossier.promises:
        proven = promise.proven()
        counts = [str(promise.count(one)) for one in ("met", "missed", "inconclusive")]
        quantiles = [
            words.at_most(one.upper_seconds) if one.upper_seconds is not None else "no bound yet"
            for one in proven.quantiles
        ]
        name = f"{promise.subject} {promise.objective.upper()}, {promise.drill}"
        rows.append((name, *counts, *quantiles, f"up to {100 * proven.chance_highest:.1f} %"))
    if not rows:
        yield "**Not tested:** no run of this plan has measured anything yet."
        return
    shares = [f"{100 * one.share:g} % take at most" for one in dossier.promises[0].proven().quantiles]
    yield from table(("Promise", "Met", "Missed", "Inconclusive", *shares, "Chance of a miss"), rows)
