"""One run held against its lines of the chain: its files, its plan, and the verdict computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rto_rpo import JUDGE
from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.charter import CharterError, parse_charter
from rto_rpo.evidence.agreed.promised import promise_findings
from rto_rpo.evidence.checking.charter_check import charter_faults, ledger_header
from rto_rpo.evidence.checking.folder_check import file_faults, plan_fault, pruned_faults, regular_files
from rto_rpo.evidence.checking.report_check import Compared, compared, stored
from rto_rpo.evidence.keeping.run_folder import held
from rto_rpo.evidence.keeping.undone import UNDOING, undone_of
from rto_rpo.evidence.lines.history import RunRecord
from rto_rpo.evidence.lines.line import Closed, Opened, Pruned
from rto_rpo.evidence.lines.record import Note
from rto_rpo.evidence.names import CHARTER_NAME, CUT_OFF, LEDGER_NAME, OF_A_RUN, PAGES, PLAN_NAME, REPORT_NAME
from rto_rpo.ledger.reader import LedgerError
from rto_rpo.measurement import Verdict
from rto_rpo.report.document import DocumentError
from rto_rpo.report.publish import of_run

State = Literal["closed", "abandoned", "running", "never finished", "pruned"]


@dataclass(frozen=True, slots=True)
class RunCheck:
    """What became of one run. `verdict` is the chain's, `recomputed` the one that plan and ledger give now.

    `recomputed` is None where there is nothing intact to compute it from. `findings` say what differs,
    `notes` what a reader should know all the same. `unproven` says that the verdict was found by other rules
    than these, which find otherwise: that shows nothing, neither for it nor against it.
    """

    run: str
    folder: str
    drill: str
    state: State
    verdict: Verdict | None
    recomputed: Verdict | None
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    unproven: str | None = None


def check_run(
    root: Path, record: RunRecord, owners: Mapping[str, str], before: Opened | None = None
) -> RunCheck:
    """Check the run's folder below `root`. `owners` says which folder a ledger, by its hash, belongs to.

    `before` is the previous run of the same plan.
    """
    opened, closed = record.opened, record.closed
    path = root / opened.folder
    if record.pruned:
        seen = _pruned(path, record.pruned, closed)
    else:
        seen = _closed(path, closed, owners) if closed else _unclosed(path, opened)
        seen.findings += charter_faults(root, record, before)
        seen.notes += _undone_later(record)
    return RunCheck(
        run=opened.run,
        folder=opened.folder,
        drill=opened.drill,
        state=seen.state,
        verdict=closed.verdict if closed else None,
        recomputed=seen.recomputed,
        findings=tuple(seen.findings),
        notes=tuple(seen.notes),
        unproven=seen.unproven,
    )


@dataclass(slots=True)
class _Seen:
    state: State
    recomputed: Verdict | None = None
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unproven: str | None = None


def _pruned(path: Path, pruned: Pruned, closed: Closed | None) -> _Seen:
    """What is left by a pruning that was cut off may be there, but nothing else in its place."""
    days = pruned.retention_seconds / 86400
    notes = [f"its files were pruned on {pruned.utc[:10]}, under a retention of {days:g} days"]
    hashes = closed.files if closed is not None else {}
    if set(regular_files(path)) - set(pruned.kept or ()):
        notes.append("files of it are still there: the pruning was cut off; pruning again ends it")
    findings = list(pruned_faults(path, pruned, hashes))
    return _Seen("pruned", None, findings, notes)


def _unclosed(path: Path, opened: Opened) -> _Seen:
    edited = list(plan_fault(path, opened.plan_sha256))
    if held(path):
        since = f"{opened.utc[:16].replace('T', ' ')} UTC"
        return _Seen("running", None, edited, [f"it is still running, since {since}: its folder is held"])
    return _Seen("never finished", None, ["it was opened and never finished", *edited])


def _closed(path: Path, closed: Closed, owners: Mapping[str, str]) -> _Seen:
    seen = _Seen("abandoned" if closed.source == "abandoned" else "closed")
    seen.findings += [*file_faults(path, closed, owners), *_foreign_files(closed)]
    if not seen.findings:
        _recompute(seen, path, closed)
        _tell_undone(seen, path)
    if seen.state == "abandoned":
        seen.notes.append(
            f"it was given up and later closed as found{_said_all_the_same(seen, path, closed)}"
        )
        if closed.verdict != "inconclusive":
            seen.findings.append(
                f"it was given up, and the chain says {closed.verdict}: that is inconclusive"
            )
    return seen


def _foreign_files(closed: Closed) -> Iterator[str]:
    """What nobody draws or computes again may say anything: only what blackstart writes may lie there."""
    for name in closed.files:
        if name.removesuffix(CUT_OFF) not in OF_A_RUN:
            yield f'"{name}" is no file of a run: whoever closed it put it there'
        elif name in PAGES and REPORT_NAME not in closed.files:
            yield f'"{name}" tells of a "{REPORT_NAME}" that is not there'


def _said_all_the_same(seen: _Seen, path: Path, closed: Closed) -> str:
    """What ledger and report of a run that was given up would say, had anybody seen it to its end."""
    ledger = f"; its ledger alone gives {seen.recomputed}" if seen.recomputed else ""
    report = stored(path / REPORT_NAME) if REPORT_NAME in closed.files and not seen.findings else None
    says = report.get("verdict") if isinstance(report, dict) else None
    return ledger + (
        f"; its report says {says}, which proves nothing, and nor do its pages" if says is not None else ""
    )


def _recompute(seen: _Seen, path: Path, closed: Closed) -> None:
    """Compute the verdict again, and see how it differs from what was written down."""
    missing = [name for name in (PLAN_NAME, LEDGER_NAME) if name not in closed.files]
    if missing and _claims_nothing(closed) and _is_tabletop(path):
        seen.notes.append("a tabletop: it was talked through, and nothing was measured")
        return
    if missing:
        _nothing_to_judge(seen, closed, f'there is no "{missing[0]}"')
        return
    try:
        computed = of_run(path)
    except LedgerError as error:
        _nothing_to_judge(seen, closed, str(error))
    except DocumentError as error:
        seen.findings.append(f"its verdict cannot be computed again: {error}")
    else:
        seen.recomputed = computed["verdict"]
        judged = REPORT_NAME in closed.files and closed.source != "abandoned"
        report = compared(path / REPORT_NAME, computed) if judged else None
        seen.findings += _differences(closed, computed, path, report)
        if REPORT_NAME in closed.files and not judged:
            seen.findings += _unlike_its_ledger_all_the_same(path, computed)
        if (header := ledger_header(path / LEDGER_NAME)) is not None:
            seen.findings += promise_findings((path / PLAN_NAME).read_bytes(), header)
        if report is not None and report.form:
            told = f"its report is of another form ({report.form})"
            seen.notes.append(f"{told}: it was brought into today's, and compared whole")
        if computed["judge"] != JUDGE:
            _by_other_rules(seen, closed, computed, report)


def _unlike_its_ledger_all_the_same(path: Path, computed: dict[str, Any]) -> Iterator[str]:
    """Of a run that was given up: nothing is added to it once its report is written."""
    report = compared(path / REPORT_NAME, computed)
    if parts := report.parts if computed["judge"] == JUDGE else report.wrong:
        yield f'"{REPORT_NAME}" is not what its plan and ledger give; it differs in: {", ".join(parts)}'


def _undone_later(record: RunRecord) -> Iterator[str]:
    """What the chain says about an undo that came when the run was closed already."""
    entries = (line.entry for line in record.records)
    yield from (one.text for one in entries if isinstance(one, Note) and one.by.name == UNDOING)


def _tell_undone(seen: _Seen, path: Path) -> None:
    try:
        seen.notes += [f"its fault was undone beside its ledger: {one.told()}" for one in undone_of(path)]
    except EvidenceError as error:
        seen.findings.append(str(error))


def _by_other_rules(seen: _Seen, closed: Closed, computed: dict[str, Any], report: Compared | None) -> None:
    """What these rules find is no proof against a verdict that other rules found, and none for it."""
    who = f"it was judged by another version of the rules ({computed['judge']}); this is {JUDGE}"
    if report is None or report.wrong:
        seen.notes.append(who)
    elif report.parts:
        gives = (
            f"by these rules its ledger gives {computed['verdict']} (differs in: {', '.join(report.parts)})"
        )
        seen.unproven = f"{who}: {gives}, so its {closed.verdict} is not proven here"
    else:
        seen.notes.append(f"{who}: by these rules its ledger gives the same report")


def _is_tabletop(path: Path) -> bool:
    charter = path / CHARTER_NAME
    try:
        return charter.is_file() and parse_charter(charter.read_bytes()).kind == "tabletop"
    except CharterError:
        return False


def _nothing_to_judge(seen: _Seen, closed: Closed, why: str) -> None:
    # A recorder that died at once leaves nothing to judge. *Inconclusive* claims nothing and needs no proof.
    if _claims_nothing(closed):
        seen.notes.append(f"it left nothing that could be judged, and so is inconclusive: {why}")
    else:
        seen.findings.append(f"its verdict cannot be computed again: {why}")


def _claims_nothing(closed: Closed) -> bool:
    """A report claims something, whatever the chain says of its run; but none of a run that was given up."""
    told = REPORT_NAME in closed.files and closed.source != "abandoned"
    return closed.verdict == "inconclusive" and not told


def _differences(
    closed: Closed, computed: dict[str, Any], path: Path, report: Compared | None
) -> Iterator[str]:
    for name, said, found in (
        ("run", closed.run, computed["run"]),
        ("drill", closed.drill, computed["drill"]["name"]),
        ("plan", closed.plan, computed["plan"]["name"]),
    ):
        if said != found:
            yield f"the chain says {name} {said!r}, its ledger says {found!r}"
    if closed.source == "abandoned":
        return
    if report is None:
        if closed.verdict != "inconclusive":
            yield f'it was closed without "{REPORT_NAME}"'
    elif computed["judge"] == JUDGE:
        yield from _unlike_its_ledger(closed, computed, report)
    else:
        yield from _unlike_by_any_rules(closed, path / REPORT_NAME, report)


def _unlike_its_ledger(closed: Closed, computed: dict[str, Any], report: Compared) -> Iterator[str]:
    if closed.verdict != computed["verdict"]:
        yield f"the chain says {closed.verdict}, its ledger gives {computed['verdict']}"
    if report.parts:
        told = ", ".join(report.parts)
        yield f'"{REPORT_NAME}" is not what its plan and ledger give; it differs in: {told}'


def _unlike_by_any_rules(closed: Closed, path: Path, report: Compared) -> Iterator[str]:
    """Other rules gave a verdict that cannot be found again here; but chain and report must say the same."""
    told = stored(path)
    if isinstance(told, dict) and told.get("verdict") != closed.verdict:
        yield f'the chain says {closed.verdict}, its "{REPORT_NAME}" says {told.get("verdict")}'
    if report.wrong:
        yield f'"{REPORT_NAME}" is no report of its run by any rules: {", ".join(report.wrong)}'
