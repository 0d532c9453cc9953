"""The series of an evidence folder: for each drill and promise, every run that was to put it to the test.

It is what may be claimed over all runs (`blackstart report --history`); the trend beside one run is
`dossier.history`.

A report is taken as it lies there when its hash is the one in the chain, and nothing else of its run is
missing or changed; `blackstart verify` computes it anew. A run that left no such report is not left out: it
is one that proved nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import ValidationError

from rto_rpo.dossier.digest import Digest, digest
from rto_rpo.dossier.observed import observed
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.untrusted import Untrusted, untrusted
from rto_rpo.evidence.keeping.run_folder import held
from rto_rpo.evidence.lines.history import NOT_SIGNED, RunRecord, read_entries, run_records, signed_from
from rto_rpo.evidence.names import CHAIN_NAME, REPORT_NAME
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement
from rto_rpo.statistics import UNKNOWN, Observation, Statistics, statistics


@dataclass(frozen=True, slots=True)
class Past:
    """One run of a series. `why`: what its bounds do not show, for one that is not *met*."""

    run: str
    folder: str
    utc: str
    observation: Observation
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one drill against one promise, the oldest first.

    The limit is the newest that was declared; `plans` says of how many different plans the runs are, and
    `limits` which limits they were judged by.
    """

    plan: str
    drill: str
    subject: str
    objective: str
    plans: int
    limits: tuple[float, ...]
    runs: tuple[Past, ...]
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class History:
    """All series, and what is in none: runs still under way, pruned ones, drills of which nothing was judged.

    `findings` say what is not intact, around the runs and in them: with any, nothing here is proven.
    `unsigned` says so of evidence that nobody signed.
    """

    series: tuple[Series, ...]
    apart: tuple[str, ...]
    findings: tuple[str, ...]
    head: str | None
    unsigned: str | None


@dataclass(frozen=True, slots=True)
class _Told:
    """One run that is over, with its report or the reason why there is none."""

    record: RunRecord
    report: Digest | None
    problem: str


def gather(root: Path, drill: str | None = None) -> History:
    """Everything in this folder, or of this drill. Raises EvidenceError when there is no chain in it."""
    path = root / CHAIN_NAME
    if not path.is_file():
        raise EvidenceError(
            f'no history in "{root}": it holds no "{CHAIN_NAME}"', hint="name the folder of all runs"
        )
    entries = read_entries(path.read_bytes())
    records = [each for each in run_records(entries) if drill in {None, each.opened.drill}]
    broken = untrusted(root, entries)
    told: dict[tuple[str, str], list[_Told]] = {}
    apart: list[str] = []
    for record in records:
        if why := _apart(root, record):
            apart.append(f"{record.opened.folder}: {why}")
        else:
            told.setdefault((record.opened.plan, record.opened.drill), []).append(_tell(root, record, broken))
    series = [each for key, runs in told.items() for each in _series(*key, runs)]
    found = {(each.plan, each.drill) for each in series}
    apart += [_unjudged(key, runs) for key, runs in told.items() if key not in found]
    head = entries[-1].sha256 if entries else None
    unsigned = NOT_SIGNED if signed_from(entries) is None else None
    return History(tuple(series), tuple(apart), tuple(broken.told()), head, unsigned)


def _apart(root: Path, record: RunRecord) -> str | None:
    """Why a run counts neither for nor against: only what has nothing to do with how it went."""
    if record.pruned is not None:
        verdict = record.closed.verdict if record.closed else "never finished"
        return f"its files were pruned on {record.pruned.utc[:10]}; it was {verdict}, and is not counted"
    if record.closed is None and held(root / record.opened.folder):
        return "it is still running, and is not counted"
    return None


def _unjudged(key: tuple[str, str], runs: list[_Told]) -> str:
    count = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
    return f'drill "{key[1]}" of plan "{key[0]}": {count}, and none judged a promise: {runs[-1].problem}'


def _tell(root: Path, record: RunRecord, broken: Untrusted) -> _Told:
    why = broken.runs.get(record.opened.folder) if record.closed is not None else None
    report, problem = (None, f"not intact: {why}") if why is not None else _report(root, record)
    return _Told(record, report, problem)


def _report(root: Path, record: RunRecord) -> tuple[Digest | None, str]:
    if record.closed is None:
        return None, "it was never finished"
    wanted = record.closed.files.get(REPORT_NAME)
    if wanted is None:
        return None, "it left no report"
    try:
        content = (root / record.opened.folder / REPORT_NAME).read_bytes()
        if hashlib.sha256(content).hexdigest() != wanted:
            return None, f'"{REPORT_NAME}" is not the one in the chain'
        report = digest(orjson.loads(content))
    except OSError as error:
        return None, f'"{REPORT_NAME}" cannot be read: {error.strerror}'
    except (ValidationError, ValueError, KeyError, TypeError):
        return None, f'"{REPORT_NAME}" is of another version, or none'
    if record.closed.source == "abandoned":
        return None, "it was given up, and later closed as found"
    return report, ""


def _series(plan: str, drill: str, runs: list[_Told]) -> Iterator[Series]:
    judged: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for one in run.report.judgements if run.report else ():
            judged.setdefault((one.subject, one.objective), []).append(one.declared_seconds)
    for (subject, objective), limits in judged.items():
        limit = limits[-1]
        past = [each for run in runs if (each := _past(run, subject, objective, limit))]
        folders = {each.folder for each in past}
        yield Series(
            plan=plan,
            drill=drill,
            subject=subject,
            objective=objective,
            plans=len({run.record.opened.plan_sha256 for run in runs if run.record.opened.folder in folders}),
            limits=tuple(dict.fromkeys(limits)),
            runs=tuple(past),
            statistics=statistics([each.observation for each in past], limit),
        )


def _past(run: _Told, subject: str, objective: str, limit_seconds: float) -> Past | None:
    """The run as one of this series. None: it had a report, and did not judge this promise."""
    observation, why = UNKNOWN, run.problem
    if run.report is not None:
        judgement = _judgement(run.report, subject, objective)
        if judgement is None:
            return None
        observation, why = observed(run.report, judgement, limit_seconds)
    opened, verdict = run.record.opened, observation.verdict(limit_seconds)
    return Past(opened.run, opened.folder, opened.utc, observation, verdict, why or _seen(verdict))


def _seen(verdict: Verdict) -> str:
    return "the promise lies between its bounds" if verdict == "inconclusive" else ""


def _judgement(report: Digest, subject: str, objective: str) -> Judgement | None:
    return next(
        (one for one in report.judgements if (one.subject, one.objective) == (subject, objective)), None
    )
