"""The pages over all runs: index, drills, services and datasets, what was tried, findings, controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from rto_rpo.dossier.coverage import Covered
from rto_rpo.dossier.dossier import Dossier
from rto_rpo.dossier.finding import Finding
from rto_rpo.dossier.history import promises
from rto_rpo.dossier.shelf import Run, Shelf
from rto_rpo.evidence.agreed.charter import Charter, frozen_charter
from rto_rpo.report.forms.html import templates, trends
from rto_rpo.website import names

RUNS_MAX = 300


@dataclass(frozen=True, slots=True)
class Counts:
    """The tiles of the index."""

    runs: int
    met: int
    missed: int
    inconclusive: int
    held: int
    untested: int
    never_run: int
    not_run: int
    findings: int
    accepted: int
    overdue: int


def overview_pages(shelf: Shelf, dossiers: Sequence[Dossier], now: datetime) -> Iterator[tuple[str, bytes]]:
    """(path, content) of each."""
    day = now.date().isoformat()
    shared: dict[str, object] = {"shelf": shelf, "dossiers": dossiers, "day": day, "now": now}
    index = {"counts": counts(shelf, dossiers, day), "drills_of": drills_of, "subjects_of": subjects_of}
    yield "index.html", _render("site_index.html", up="", trends=trends, **index, **shared)
    yield "coverage.html", _render("site_coverage.html", up="", **shared)
    yield "findings.html", _render("site_findings.html", up="", **shared)
    yield "findings.json", _findings(dossiers, day)
    yield "controls.html", _render("site_controls.html", up="", **shared)
    for dossier in dossiers:
        for drill in drills_of(dossier):
            yield names.page_of_drill(dossier.plan, drill), _drill(dossier, drill, shared)
        for subject in subjects_of(dossier):
            yield names.page_of_subject(dossier.plan, subject), _subject(dossier, subject, shared)


def drills_of(dossier: Dossier) -> list[str]:
    """Declared now, or ever run."""
    declared = [*dossier.declared.nouns("drills"), *dossier.declared.nouns("tabletops")]
    return list(dict.fromkeys([*declared, *(run.drill for run in dossier.shelf.runs)]))


def subjects_of(dossier: Dossier) -> list[str]:
    """Services and datasets: declared now with a promise, or ever judged."""
    declared = [one.name for one in dossier.coverage if one.kind == "promise"]
    return list(dict.fromkeys([*declared, *(promise.subject for promise in dossier.promises)]))


def counts(shelf: Shelf, dossiers: Sequence[Dossier], day: str) -> Counts:
    covered: list[Covered] = [one for dossier in dossiers for one in dossier.coverage]
    open_: list[Finding] = [one for dossier in dossiers for one in dossier.open]
    verdicts = [run.verdict for run in shelf.runs]
    return Counts(
        runs=len(verdicts),
        met=verdicts.count("met"),
        missed=verdicts.count("missed"),
        inconclusive=verdicts.count("inconclusive"),
        held=verdicts.count("held"),
        untested=sum(1 for one in covered if one.state == "not tested"),
        never_run=sum(1 for one in covered if one.state == "not run"),
        not_run=sum(len(dossier.not_run) for dossier in dossiers),
        findings=len(open_),
        accepted=sum(len(dossier.accepted) for dossier in dossiers),
        overdue=sum(1 for one in open_ if one.overdue(day)),
    )


def _drill(dossier: Dossier, drill: str, shared: dict[str, object]) -> bytes:
    runs = [run for run in dossier.shelf.runs if run.drill == drill]
    return _render(
        "site_drill.html",
        up="../",
        dossier=dossier,
        drill=drill,
        runs=_newest_first(runs),
        total=len(runs),
        charters={run.folder: _charter(run, dossier) for run in reversed(runs) if run.talked},
        trends=trends(promises(runs)),
        not_run=[one for one in dossier.not_run if one.drill == drill],
        findings=[one for one in dossier.findings if one.drill == drill],
        **shared,
    )


def _charter(run: Run, dossier: Dossier) -> Charter | None:
    return frozen_charter(dossier.shelf.root / run.folder, run.record.opened.charter_sha256)


def _subject(dossier: Dossier, subject: str, shared: dict[str, object]) -> bytes:
    own = [promise for promise in dossier.promises if promise.subject == subject]
    judged = {point.folder for promise in own for point in promise.points}
    runs = [run for run in dossier.shelf.runs if run.folder in judged]
    return _render(
        "site_subject.html",
        up="../",
        dossier=dossier,
        subject=subject,
        covered=[one for one in dossier.coverage if one.kind == "promise" and one.name == subject],
        runs=_newest_first(runs),
        total=len(runs),
        trends=trends(own),
        findings=[one for one in dossier.findings if one.retest and one.retest.subject == subject],
        **shared,
    )


def _findings(dossiers: Sequence[Dossier], day: str) -> bytes:
    """The register for programs."""
    told = [
        {
            **asdict(one),
            "state": one.state(day),
            "overdue": one.overdue(day),
            **{name: getattr(one, name) for name in ("text", "severity", "owner", "due", "until")},
            "retest": one.retest.model_dump() if one.retest else None,
        }
        for dossier in dossiers
        for one in dossier.findings
    ]
    return orjson.dumps(told, option=orjson.OPT_INDENT_2)


def _newest_first(runs: Sequence[Run]) -> list[Run]:
    return [*reversed(runs)][:RUNS_MAX]


def _render(template: str, **content: object) -> bytes:
    return templates().get_template(template).render(**content).encode()
