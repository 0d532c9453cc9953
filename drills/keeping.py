"""What follows the closing of a run: its head goes to the other site, its files to a store with a lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.held import newest_by_plan, plan_holds
from rto_rpo.evidence.agreed.kept import promised
from rto_rpo.evidence.checking.folder_check import folder_faults, ledger_owners
from rto_rpo.evidence.keeping.chain import head
from rto_rpo.evidence.keeping.pruning import holds
from rto_rpo.evidence.lines.heads import Kept, keep_head
from rto_rpo.evidence.lines.history import Entry, RunRecord, read_entries, run_records
from rto_rpo.evidence.names import CHAIN_NAME, PUBLIC_KEY_NAME
from sites.errors import BlackstartError
from sites.plan import Plan


def kept_elsewhere(plan: Plan, run: str | None) -> Iterator[str]:
    """Keep the chain's head, and upload the run. What could not be done comes out in words, and only that:

    the run is closed, and a site that is away must not undo that.
    """
    try:
        keep(plan, run)
    except EvidenceError as error:
        yield str(error)
    if run is not None and plan.evidence.upload is not None:
        try:
            yield from (f"not uploaded: {one}" for one in upload(plan, run).refused)
        except (BlackstartError, EvidenceError) as error:
            yield f"not uploaded (`blackstart upload` does it later): {error}"


def keep(plan: Plan, run: str | None) -> None:
    """Add the chain's head to the file at the other site, if the plan names one. Raises EvidenceError."""
    now = head(plan.evidence.path)
    if plan.evidence.heads is not None and now is not None:
        utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        keep_head(plan.evidence.heads, Kept(utc, plan.name, run, now))


@dataclass(frozen=True, slots=True)
class Uploads:
    """What went, in a line each, and which runs did not, and why."""

    said: tuple[str, ...]
    refused: tuple[str, ...]


def upload(plan: Plan, only: str | None = None) -> Uploads:
    """Probe the store, then upload every closed run (or only one) that is not there yet, with the chain.

    A run whose files are not those of the chain is not uploaded. Raises BlackstartError.
    """
    noun, root = plan.evidence.upload, plan.evidence.path
    if noun is None:
        raise BlackstartError("there is nowhere to upload to", hint="declare `evidence.upload` in the plan")
    from sites.drivers.s3.archive import archive_of  # here, because it takes half a second to load

    archive = archive_of(noun)
    said, refused = [archive.probe()], []
    chain = (root / CHAIN_NAME).read_bytes() if (root / CHAIN_NAME).is_file() else b""
    entries = read_entries(chain)
    records = run_records(entries)
    for record in records:
        if record.closed is None or record.pruned is not None or only not in (None, record.opened.run):
            continue
        if faults := folder_faults(root, record, ledger_owners(records)):
            refused.append(f"{record.opened.folder}: {'; '.join(faults)}")  # it would be the newest there
            continue
        until, unknown = _until(plan, record)
        hold = _hold(plan, entries, record)
        done = archive.upload(_files(root, record, chain), until, held=hold is not None)
        said.append(f"{record.opened.folder}: {done.said}{unknown}{_held(hold, held=done.held)}")
    return Uploads(tuple(said), tuple(refused))


def _until(plan: Plan, record: RunRecord) -> tuple[datetime, str]:
    """Until when it has to be kept, by the plan at hand and by its own; what is not known, in words."""
    frozen = promised(plan.evidence.path / record.opened.folder, record.opened.plan_sha256)
    kept = max(timedelta(seconds=plan.evidence.retention.seconds), frozen or timedelta())
    said = (record.closed, *record.records)  # what is said of a run begins its time anew
    newest = max(datetime.fromisoformat(line.utc) for line in said if line is not None)
    unknown = "" if frozen is not None else " (how long its own plan keeps it cannot be read)"
    return max(newest + kept, datetime.now(UTC) + timedelta(days=1)), unknown


def _hold(plan: Plan, entries: Sequence[Entry], record: RunRecord) -> str | None:
    """Why nothing may delete it: a hold of the plan at hand, one that people placed, one that is frozen."""
    placed = holds(entries)
    frozen = plan_holds(plan.evidence.path, newest_by_plan(entry.line for entry in entries).values())
    standing = (plan.evidence.hold, placed.get(None), placed.get(record.opened.run), *frozen.values())
    return next((reason for reason in standing if reason is not None), None)


def _held(reason: str | None, *, held: bool) -> str:
    if reason is None:
        return ""
    return f", under legal hold: {reason}" if held else f"; the store took no legal hold for: {reason}"


def _files(root: Path, record: RunRecord, chain: bytes) -> dict[str, Path | bytes]:
    """The run's files, and the chain as it stands, under the name of its head."""
    folder, closed = root / record.opened.folder, record.closed
    files: dict[str, Path | bytes] = {
        f"{folder.name}/{name}": folder / name for name in (sorted(closed.files) if closed else ())
    }
    files[f"chain/{read_entries(chain)[-1].sha256}.jsonl"] = chain
    if (root / PUBLIC_KEY_NAME).is_file():
        files[PUBLIC_KEY_NAME] = root / PUBLIC_KEY_NAME
    return files
