"""Whole evidence folders: real runs, judged, reported, closed and signed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from rto_rpo.evidence.agreed.charter import Agreed, Executor, Role, criteria_of
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder
from rto_rpo.evidence.keeping.undone import Undone, add_undone
from rto_rpo.evidence.lines.history import read_entries, run_records
from rto_rpo.evidence.lines.line import Closed
from rto_rpo.evidence.lines.signature import SigningKey
from rto_rpo.evidence.names import PAGE_NAME, TEXT_NAME
from rto_rpo.ledger.reader import read
from rto_rpo.ledger.records import Header
from rto_rpo.report.maker import maker
from rto_rpo.report.publish import publish
from tests.rto_rpo.report.runs import INCONCLUSIVE, MET, MISSED, PLAN, Run, write_ledger

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
RUNS = (MET, MISSED, replace(INCONCLUSIVE, plan=PLAN + b"# changed\n"))


def agreed(run: Run, *roles: Role, **other: Any) -> Agreed:
    """What the charter of this run would hold."""
    with tempfile.TemporaryDirectory() as folder:
        write_ledger(Path(folder) / "ledger.jsonl", run)
        criteria = criteria_of(cast("Header", next(read(Path(folder) / "ledger.jsonl"))))
    executor = Executor(name="Ada", how="claimed")
    return Agreed("live", run.environment, executor, roles, criteria, **other)


def plan_of(run: Run, charter: Agreed | None) -> bytes:
    """The run's plan with the people and the schedules that the charter has of it."""
    if charter is None or not (charter.roles or charter.schedules):
        return run.plan
    roles = {each.role: {"name": each.name, "key": each.public or "~"} for each in charter.roles}
    drills = {name: {"schedule": schedule} for name, schedule in charter.schedules.items()}
    return run.plan + yaml.safe_dump({"roles": roles, "drills": drills}).encode()


def open_one(root: Path, run: Run, key: SigningKey | None, charter: Agreed | None = None) -> RunFolder:
    """A run that is opened and has its ledger, and nothing more yet."""
    now, run = NOW + timedelta(days=run.number), replace(run, plan=plan_of(run, charter))
    folder = chain.open_run(
        root, run=run.run, drill=run.drill, plan=run.plan, key=key, now=now, agreed=charter
    )
    write_ledger(folder.path / "ledger.jsonl", run)
    return folder


def add_run(
    root: Path, run: Run, key: SigningKey | None, charter: Agreed | None = None, undone: Undone | None = None
) -> Path:
    """A run from opened to closed. Gives its folder."""
    folder = open_one(root, run, key, charter)
    if undone is not None:
        add_undone(folder.path, undone)
    verdict = publish(folder.path)["verdict"]
    chain.close_run(root, folder, verdict=verdict, key=key, now=NOW + timedelta(days=run.number, minutes=1))
    return folder.path


def drawn_by_another(folder: Path) -> None:
    """As if another version had drawn the run's pages."""
    for path in (folder / PAGE_NAME, folder / TEXT_NAME):
        path.write_text(path.read_text().replace(maker(), "0" * 64))


def make_folder(root: Path, key: SigningKey | None, runs: tuple[Run, ...] = RUNS) -> list[Path]:
    """The evidence of one met, one missed and one inconclusive run (or of those given)."""
    return [add_run(root, run, key) for run in runs]


def folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def findings(root: Path, key: SigningKey | None = None, head: str | None = None) -> str:
    """All findings as one text; there must be some."""
    found = verify(root, public_key=key.public.pem if key else None, head=head)
    assert not found.intact
    assert found.findings
    return "\n".join(found.findings)


def first_closed(root: Path) -> Closed:
    """The closed line of the first run."""
    record = run_records(read_entries((root / "chain.jsonl").read_bytes()))[0]
    assert record.closed is not None
    return record.closed
