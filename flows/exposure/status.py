"""Where things stand: what could be restored, which sites run, and what was left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drills.lever import Lever
from drills.undo import UndoIntents
from flows.exposure.exposed import exposed
from flows.exposure.scheduled import declared
from flows.terminal.answer import ago, columns
from rto_rpo.evidence.agreed.not_run import Blind, NotRun, overdue
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import held
from rto_rpo.evidence.lines.heads import read_heads
from rto_rpo.evidence.lines.history import Entry, RunRecord, entries_of, run_records
from rto_rpo.report import words
from sites.errors import SiteError
from sites.estate import Estate
from sites.protection.exposure import Exposure
from sites.protection.history import History
from sites.protection.upkeep import unread
from sites.recovery.fence import Fences
from sites.recovery.standing import HOME, Standing
from sites.recovery.ways_out import ways_out
from sites.unprotected import Unprotected

NOT_RUN_TOLD = 10  # the newest so many; the report has all


@dataclass(frozen=True, slots=True)
class SiteState:
    """`running` names its processes, None: it cannot be asked. A fenced site is kept from taking writes.

    `empty`: the plan declares no process of it, so that nothing of it is up or down.
    """

    name: str
    running: tuple[str, ...] | None
    fenced: bool
    empty: bool = False


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a drill. `verdict` is None while it has none."""

    drill: str
    utc: str
    verdict: str | None
    folder: str


@dataclass(frozen=True, slots=True)
class Status:
    """What `status` tells.

    `stands` says which change of the serving site was made last, or is under way. `left_behind` says in a
    line each what a drill or a failover did not finish, `not_run` what was due and did not happen, `blind`
    of which time nobody can tell that, `stopped` why the stop lever was pulled, `unprotected` which
    replicated dataset has no standby to fail over to, `unread` whose packs were not all read again for too
    long. `head` is the chain's, `kept` what is known of it at the other site.
    """

    plan: str
    environment: str
    stands: str
    datasets: tuple[Exposure, ...]
    sites: tuple[SiteState, ...]
    drills: tuple[LastRun, ...]
    left_behind: tuple[str, ...]
    unprotected: tuple[str, ...]
    head: str | None
    kept: str
    not_run: tuple[NotRun, ...]
    blind: tuple[Blind, ...]
    unread: tuple[str, ...] = ()
    stopped: str | None = None

    @property
    def good(self) -> bool:
        return not (self.left_behind or self.unprotected or self.unread) and not any(
            row.exceeded for row in self.datasets
        )


def status_of(estate: Estate, now: datetime | None = None) -> Status:
    """Look at everything once; changes nothing. Raises a BlackstartError for what makes no sense on disk."""
    plan, fences = estate.plan, Fences(estate.state)
    root = plan.evidence.path
    records = run_records(entries_of(root))
    sites = [
        SiteState(n, _running(estate, n), fences.raised(n), not s.processes) for n, s in plan.sites.items()
    ]
    instant = now or datetime.now(UTC)
    programme = overdue(root, records, instant, declared(estate, instant))
    return Status(
        plan=plan.name,
        environment=plan.environment,
        stands=Standing(estate.state).now,
        datasets=tuple(exposed(estate)),
        sites=tuple(sites),
        drills=tuple(_last_runs(estate, records)),
        left_behind=tuple(_left_behind(estate)),
        unprotected=tuple(_unprotected(estate)),
        unread=tuple(_unread(estate)),
        stopped=Lever(estate.state).pulled,
        head=chain.head(root),
        kept=_kept(estate, entries_of(root)),
        not_run=tuple(each for each in programme.not_run if each.plan == plan.name),
        blind=tuple(each for each in programme.blind if each.plan == plan.name),
    )


def lines(found: Status) -> list[str]:
    stands = f", {found.stands}" if found.stands != HOME else ""
    told = [f"{found.plan} ({found.environment}){stands}", ""]
    told += columns(
        [("dataset", "restorable", "rpo", "by", "proven", "trend", ""), *map(_dataset_row, found.datasets)]
    )
    told += [f"  {', '.join(names)}: {note}" for note, names in _notes(found.datasets).items()]
    told += ["", *columns([("site", "state", "processes"), *map(_site_row, found.sites)])]
    if found.drills:
        rows = [
            (run.drill, run.verdict or "no verdict", run.utc[:19] + "Z", run.folder) for run in found.drills
        ]
        told += ["", *columns([("drill", "verdict", "when", "run"), *rows])]
    told += [f"UNPROTECTED: {what}" for what in found.unprotected]
    told += [f"UNREAD: {what}" for what in found.unread]
    told += [
        f"not run: {each.drill}, due {each.due:%Y-%m-%d %H:%M} UTC" for each in found.not_run[-NOT_RUN_TOLD:]
    ]
    told += [
        f"not known which drills were due: {each.since:%Y-%m-%d} to {each.until:%Y-%m-%d}, no charter tells"
        for each in found.blind
    ]
    if found.stopped is not None:
        told.append(f"STOPPED: no drill begins: {found.stopped}; `blackstart stop --release` lets them again")
    if found.head is not None:
        told += ["", f"chain head {found.head}", f"heads: {found.kept}"]
    return [*told, *(f"left behind: {what}" for what in found.left_behind)]


def _notes(rows: Sequence[Exposure]) -> dict[str, list[str]]:
    """Each note once, with the datasets that it is about."""
    told: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            told.setdefault(note, []).append(row.dataset)
    return told


def _dataset_row(row: Exposure) -> tuple[str, ...]:
    rpo = words.declared(row.rpo_seconds) if row.rpo_seconds is not None else "none"
    age = "now" if row.by == "replica" and not row.age_seconds else ago(row.age_seconds)
    proven = ago((datetime.now(UTC) - row.proven).total_seconds()) if row.proven else "never"
    return (
        row.dataset,
        age,
        rpo,
        row.by or "nothing",
        proven,
        row.trend or "",
        "EXCEEDED" if row.exceeded else "",
    )


def _site_row(site: SiteState) -> tuple[str, ...]:
    known = "unknown" if site.running is None else "up" if site.running else "down"
    if site.empty and not site.running:
        return site.name, "fenced" if site.fenced else "-", "none declared"
    told = "it cannot be asked" if site.running is None else ", ".join(site.running) or "none"
    return site.name, "fenced" if site.fenced else known, told


def _running(estate: Estate, site: str) -> tuple[str, ...] | None:
    """After a disaster a site may not answer, which is worth saying and stops nothing else."""
    try:
        return tuple(estate.site(site).running())
    except SiteError:
        return None


def _kept(estate: Estate, entries: Sequence[Entry]) -> str:
    """Whether the heads at the other site are those of this chain, in words."""
    path = estate.plan.evidence.heads
    if path is None:
        return "kept nowhere else: `evidence.heads` names a file at the other site"
    known = {entry.sha256: len(entries) - entry.number for entry in entries}
    torn: list[str] = []
    heads = [kept.head for kept in read_heads(path, torn.append)]
    besides = f" (torn off there, and no heads: {len(torn)})" if torn else ""
    if not heads:
        return f"none is kept in {path} yet{besides}"
    if unknown := [head for head in heads if head not in known]:
        return f"NOT THIS CHAIN: {len(unknown)} of {len(heads)} heads kept in {path} are not in it{besides}"
    later = min(known[head] for head in heads)
    newest = f"{later} lines ago" if later else "the newest among them"
    return f"{len(heads)} kept in {path}, {newest}{besides}"


def _last_runs(estate: Estate, records: Sequence[RunRecord]) -> Iterator[LastRun]:
    newest = {r.opened.drill: r for r in records if r.opened.plan == estate.plan.name}
    for drill, record in newest.items():
        verdict = record.closed.verdict if record.closed is not None else None
        yield LastRun(drill, record.opened.utc, verdict, record.opened.folder)


def _unprotected(estate: Estate) -> Iterator[str]:
    """Every note that stands, whatever is seen now: while it does, a person is asked before a failover."""
    noted = {entry.dataset: entry for entry in Unprotected(estate.state).all()}
    for name, dataset in estate.replicated().items():
        proof, entry = dataset.in_sync(), noted.pop(name, None)
        if entry is not None:
            ends = "failback" if entry.why == "failed over" else "watch"
            over = f" (its standby is in sync by now; `blackstart {ends}` takes this note away)"
            yield f"{entry}{over if proof.holds else ''}"
        elif not proof.holds:
            yield f'dataset "{name}": {proof.how}'
    yield from map(str, noted.values())


def _unread(estate: Estate) -> Iterator[str]:
    events, now = History(estate.history).events(), datetime.now(UTC)
    for name, repository in estate.plan.repositories.items():
        if repository.kind != "restic":
            continue  # all of it is read each time
        whole = timedelta(seconds=repository.read.whole.seconds)
        since = unread(name, repository.read.parts, whole, events, now)
        if since is not None:
            yield f'repository "{name}": not all of its packs were read since {since:%Y-%m-%d}'


def _left_behind(estate: Estate) -> Iterator[str]:
    for undo in UndoIntents(estate.state).pending():
        yield f'drill "{undo.drill}" of {undo.utc} was never undone; `blackstart recover` does it'
    for run in chain.unfinished(estate.plan.evidence.path):
        if not held(run.path):
            yield f"run {run.path.name} was never closed; `blackstart recover` does it"
    if (kind := Standing(estate.state).under_way) is not None:
        yield f"a {kind} was cut off: {ways_out(estate.state, kind)}"
