"""A small story told by an evidence folder: drills that miss, are mended and miss again; people between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from rto_rpo.evidence.agreed.charter import Agreed, Cell, Executor, Role
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.undone import Undone, add_undone
from rto_rpo.evidence.lines.history import RunRecord, read_entries, run_records
from rto_rpo.evidence.lines.record import (
    AnyEntry,
    Approval,
    By,
    Finding,
    FindingState,
    Note,
    Presence,
    Retest,
    SignOff,
)
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from rto_rpo.report.publish import publish
from tests.rto_rpo.evidence.folders import NOW, agreed
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, Run, write_ledger

PLAN = b"""name: trading-desk
environment: demo
sites:
  primary: {kind: processes, path: /srv/primary, drills: true}
  dr: {kind: processes, path: /srv/dr}
repositories:
  onsite: {site: primary, url: /srv/onsite}
  offsite: {site: dr, url: /srv/offsite, copy_of: onsite}
datasets:
  orders: {kind: postgres, backup: {to: onsite, every: 1h}, rpo: 0s}
  ticks: {kind: files, backup: {to: onsite, every: 15m}, rpo: 15m}
services:
  gateway: {rto: 30s}
  engine: {rto: 5m}
drills:
  kill-primary: {fault: {kind: kill_site, site: primary}, schedule: "0 6 * * *"}
  cut-sites: {fault: {kind: partition, site: dr}}
roles:
  owner: {name: Head of Trading Technology}
  executor: {name: Ada}
  reviewer: {name: Bo}
  approver: {name: Cy}
evidence: {retention: 6y}
"""
CONFIRM = "0123456789abcdef"
NAME, DRILL = "trading-desk", "kill-primary"


def run_of(kind: Run, number: int, plan: bytes = PLAN) -> Run:
    """One more run of the plan; its number makes its id, and the day on which it runs."""
    return replace(kind, number=number, plan=plan)


CELLS = tuple(
    Cell(fault=fault, site="processes", dataset=dataset)
    for fault, datasets in (
        ("kill_site", ("postgres", "files", "none")),
        ("partition", ("postgres", "files", "none")),
        ("wrong_key", ("files",)),
    )
    for dataset in datasets
)


def run_id(number: int) -> str:
    return str(UUID(int=(number << 96) | 7))


class Story:
    """An evidence folder that grows. `people` have keys of their own, which the plan lists."""

    def __init__(self, root: Path, key: SigningKey | None = None) -> None:
        self.root, self.key = root, key
        root.mkdir(parents=True, exist_ok=True)
        self.people = {name: new_key(root.parent / f"{name}.pem") for name in ("Ada", "Bo", "Cy")}
        self._now, self.schedule = NOW, "0 6 * * *"

    @property
    def _roles(self) -> list[Role]:
        return [
            Role(role=role, name=name, public=self.people[name].public_hex)
            for role, name in (("executor", "Ada"), ("reviewer", "Bo"), ("approver", "Cy"))
        ]

    def give_key(self, name: str, key: SigningKey) -> None:
        """The plan lists this key for that name from now on."""
        self.people[name] = key

    def drill(
        self,
        run: Run,
        *,
        scenario: str | None = "The primary site is lost at a busy hour.",
        at: datetime | None = None,
        undone: Undone | None = None,
    ) -> Path:
        """Open, run, judge and close one. It runs at six on the day of its number, or `at` some time."""
        self._now = at or max(self._now, NOW + timedelta(days=run.number))
        agreed_ = agreed(
            run,
            *self._roles,
            scenario=scenario,
            confirm=CONFIRM,
            schedules={DRILL: self.schedule},
            cells=CELLS,
            tries=(Cell(fault=str(run.fault["kind"]), site="processes", dataset="postgres"),),
        )
        folder = chain.open_run(
            self.root,
            run=run.run,
            drill=run.drill,
            plan=run.plan,
            key=self.key,
            now=self._now,
            agreed=agreed_,
        )
        write_ledger(folder.path / "ledger.jsonl", run)
        if undone is not None:
            add_undone(folder.path, undone)
        verdict = publish(folder.path)["verdict"]
        self._now += timedelta(minutes=1)
        chain.close_run(self.root, folder, verdict=verdict, key=self.key, now=self._now)
        return folder.path

    def talk(self, number: int, drill: str = "talk") -> None:
        """Open and close a tabletop, with nothing in its folder but plan and charter."""
        run = run_of(MET, number)
        self._now = max(self._now, NOW + timedelta(days=number))
        words = Agreed(
            "tabletop",
            "demo",
            Executor(name="Ada", how="claimed"),
            tuple(self._roles),
            scenario="The office is lost.\nQuestion: who calls the venue?",
        )
        folder = chain.open_run(
            self.root, run=run.run, drill=drill, plan=PLAN, key=self.key, now=self._now, agreed=words
        )
        chain.close_run(self.root, folder, verdict="inconclusive", key=self.key, now=self._now)

    def say(self, entry: AnyEntry, number: int | None = None, *, by: str | None = None) -> None:
        """What somebody says, of run `number` or of the plan, signed when `by` has a key."""
        self._now += timedelta(seconds=30)
        add_record(
            self.root,
            entry,
            plan=NAME,
            run=run_id(number) if number is not None else None,
            drill=DRILL,
            key=self.key,
            now=self._now,
            person=self.people.get(by or ""),
        )

    def record(self, number: int) -> RunRecord:
        entries = read_entries((self.root / "chain.jsonl").read_bytes())
        return next(one for one in run_records(entries) if one.opened.run == run_id(number))

    def sign_off(self, number: int, name: str, role: str) -> None:
        closed = self.record(number).closed_sha256
        assert closed is not None
        by = By(name=name, role=role)
        entry = SignOff(what="sign_off", by=by, text="seen", decision="accepted", closed=closed)
        self.say(entry, number, by=name)


def by(name: str, role: str | None = None) -> By:
    return By(name=name, role=role)


def whole_story(root: Path) -> Story:
    """Six drills: met, missed, inconclusive, met, a day that nobody drilled, missed again, met."""
    story = Story(root)
    story.say(
        Approval(
            what="approval",
            by=by("Cy", "approver"),
            text="go",
            decision="accepted",
            confirm=CONFIRM,
            ticket="CHG-1041",
        ),
        by="Cy",
    )
    story.drill(run_of(MET, 1))
    story.sign_off(1, "Ada", "executor")
    story.sign_off(1, "Bo", "reviewer")
    story.sign_off(1, "Cy", "approver")
    story.drill(run_of(MISSED, 2))
    for person, state in (
        ("Ada", "called"),
        ("Bo", "called"),
        ("Ada", "acknowledged"),
        ("Ada", "joined"),
        ("Bo", "acknowledged"),
    ):
        story.say(Presence(what="presence", by=by("Ada"), text="", person=person, state=state), 2)  # type: ignore[arg-type]
    story.say(Note(what="note", by=by("Ada"), text="The standby was a version behind; pin both."), 2)
    story.say(
        Note(what="deviation", by=by("Ada"), text="The venue's test session began ten minutes late."), 2
    )
    story.drill(run_of(INCONCLUSIVE, 3))
    story.say(
        Finding(
            what="finding",
            by=by("Bo", "reviewer"),
            text="The runbook names a person who left.",
            id="F-2026-01",
            severity="medium",
            owner="Platform",
            due="2026-12-15",
        ),
        by="Bo",
    )
    story.say(
        Finding(
            what="finding",
            by=by("Bo", "reviewer"),
            text="Writes were lost: the standby was asynchronous.",
            id="F-2026-02",
            severity="critical",
            owner="Database",
            due="2026-11-25",
            retest=Retest(drill=DRILL, subject="orders", objective="rpo"),
        ),
        by="Bo",
    )
    story.say(
        FindingState(
            what="finding_state",
            by=by("Cy", "approver"),
            text="Accepted until the next review.",
            id="F-2026-01",
            state="accepted",
            until="2026-12-31",
        ),
        by="Cy",
    )
    story.drill(run_of(MET, 4, PLAN.replace(b"rto: 30s", b"rto: 20s")))
    story.drill(run_of(MISSED, 6, PLAN.replace(b"rto: 30s", b"rto: 20s")))
    story.drill(run_of(MET, 7, PLAN.replace(b"rto: 30s", b"rto: 20s")))
    return story


def day_of(number: int) -> datetime:
    return NOW + timedelta(days=number)
