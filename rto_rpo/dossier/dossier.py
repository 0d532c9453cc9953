"""All that the evidence says of one plan, put together: beside one run, or as things stand today."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from rto_rpo.controls.answer import Evidence, of_year
from rto_rpo.controls.assess import Mapping, assess
from rto_rpo.controls.from_keeping import retention
from rto_rpo.controls.profile import Profile
from rto_rpo.dossier.cells import Attempts, Tried
from rto_rpo.dossier.coverage import Covered, Seen, coverage
from rto_rpo.dossier.declared import Declared, declared
from rto_rpo.dossier.finding import Finding, open_first
from rto_rpo.dossier.findings import register
from rto_rpo.dossier.history import Promise, promises
from rto_rpo.dossier.reasons import reasons, with_reason
from rto_rpo.dossier.shelf import Run, Shelf
from rto_rpo.evidence.agreed.charter import Charter, frozen_charter
from rto_rpo.evidence.agreed.not_run import TOLERANCE, Blind, NotRun, Programme, overdue
from rto_rpo.evidence.lines.signature import PublicKey
from rto_rpo.evidence.names import PLAN_NAME


@dataclass(frozen=True, slots=True)
class Dossier:
    """`run` is the run it is told beside; `day` the day as of which. `shelf` holds what stood then."""

    plan: str
    run: Run | None
    day: date
    shelf: Shelf
    declared: Declared
    charter: Charter | None
    coverage: tuple[Covered, ...]
    cells: tuple[Tried, ...]
    promises: tuple[Promise, ...]
    findings: tuple[Finding, ...]
    not_run: tuple[NotRun, ...]
    blind: tuple[Blind, ...]
    mappings: tuple[Mapping, ...]

    @property
    def open(self) -> list[Finding]:
        """Neither closed nor accepted."""
        return [one for one in self.findings if one.state(self.day.isoformat()) == "open"]

    @property
    def accepted(self) -> list[Finding]:
        return [one for one in self.findings if one.state(self.day.isoformat()) == "accepted"]


def beside_runs(
    shelf: Shelf,
    plan: str,
    profiles: Sequence[Profile] = (),
    wanted: Callable[[Run], bool] = lambda _: True,
) -> Iterator[Dossier]:
    """A dossier beside each wanted run of a plan, as of the moment at which it began: the same whenever told.

    What comes later in the chain is not in it, but for what people said of the run itself.
    """
    own = shelf.of_plan(plan)
    if not own.runs:
        return
    last = datetime.fromisoformat(own.runs[-1].utc) + TOLERANCE
    all_ = _All(own, profiles, overdue(own.root, [run.record for run in own.runs], last))
    for run in own.runs:
        all_.take(run)
        if wanted(run):
            yield all_.told(own.as_of(run), run, datetime.fromisoformat(run.utc))


def as_things_stand(shelf: Shelf, plan: str, now: datetime, profiles: Sequence[Profile] = ()) -> Dossier:
    """The dossier of a plan now."""
    own = shelf.of_plan(plan)
    all_ = _All(own, profiles, overdue(own.root, [run.record for run in own.runs], now))
    for run in own.runs:
        all_.take(run)
    return all_.told(own, None, now.astimezone(UTC))


class _All:
    """What is computed once for all the runs of a plan, and cut to what was known at each of them."""

    def __init__(self, shelf: Shelf, profiles: Sequence[Profile], programme: Programme) -> None:
        self.seen, self.attempts = Seen(), Attempts()
        self._root, self._retentions = shelf.root, dict[str, Run]()
        self._profiles, self._programme = profiles, programme
        self._reasons = reasons(programme.not_run, shelf.said)
        self._findings, self._promises = register(shelf, programme.not_run), promises(shelf.runs)
        self._plans: dict[tuple[str, tuple[tuple[str, str], ...]], Declared] = {}

    def take(self, run: Run) -> None:
        """One more run, in the chain's order."""
        self.seen.take(run)
        self.attempts.take(run)
        kept = retention(self._declared(self._root, run))
        if kept is not None:
            self._retentions[kept] = run

    def told(self, shelf: Shelf, run: Run | None, now: datetime) -> Dossier:
        newest = shelf.runs[-1] if shelf.runs else None
        seq = run.seq if run else sys.maxsize
        plan = self._declared(shelf.root, newest)
        charter = _charter(shelf.root, newest)
        covered = tuple(coverage(self.seen, plan))
        listed = _listed(charter)
        known = (one.with_standing(listed) for one in filter(None, (f.as_of(seq) for f in self._findings)))
        findings = tuple(open_first(known, now.date().isoformat()))
        missed, blind = _known_by(self._programme, now + timedelta(seconds=1))
        missed = tuple(with_reason(one, self._reasons, seq) for one in missed)
        year = of_year(shelf.runs, now.date())
        kept = [(run, text) for text, run in self._retentions.items()]
        evidence = Evidence(shelf, year, plan, covered, charter, findings, missed, blind, kept, now.date())
        return Dossier(
            plan=newest.plan if newest else "",
            run=run,
            day=now.date(),
            shelf=shelf,
            declared=plan,
            charter=charter,
            coverage=covered,
            cells=tuple(self.attempts.told(charter.cells if charter else ())),
            promises=tuple(filter(None, (one.as_of(seq) for one in self._promises))),
            findings=findings,
            not_run=missed,
            blind=blind,
            mappings=tuple(assess(profile, evidence) for profile in self._profiles),
        )

    def _declared(self, root: Path, run: Run | None) -> Declared:
        """Plans seldom change: each is read once."""
        if run is None:
            return declared(b"")
        hashed = run.record.opened.plan_sha256
        variables = run.digest.variables if run.digest else {}
        key = (hashed, tuple(sorted(variables.items())))
        if key in self._plans:
            return self._plans[key]
        content = _plan(root, run)
        found = declared(content, variables)
        if content:  # where it is gone, another run may still have it
            self._plans[key] = found
        return found


def _known_by(found: Programme, now: datetime) -> tuple[tuple[NotRun, ...], tuple[Blind, ...]]:
    """What of it could be told at that moment."""
    blind = (replace(one, until=min(one.until, now)) for one in found.blind if one.since < now)
    missed = (one for one in found.not_run if one.due + TOLERANCE <= now)
    # the run beside which it is told has only just begun
    return tuple(missed), tuple(one for one in blind if one.until - one.since > timedelta(minutes=1))


def _listed(charter: Charter | None) -> set[tuple[str, str]]:
    """Whom the plan lists with a key, by name and the identity of the key."""
    roles = charter.roles if charter else ()
    return {(one.name, PublicKey(bytes.fromhex(one.public)).identity) for one in roles if one.public}


def _charter(root: Path, run: Run | None) -> Charter | None:
    return frozen_charter(root / run.folder, run.record.opened.charter_sha256) if run else None


def _plan(root: Path, run: Run) -> bytes:
    """A run's plan, when it is there and has the hash that the chain holds; else nothing."""
    path = root / run.folder / PLAN_NAME
    content = path.read_bytes() if path.is_file() else b""
    return content if sha256(content).hexdigest() == run.record.opened.plan_sha256 else b""
