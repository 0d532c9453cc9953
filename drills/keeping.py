"""What follows the closing of a run: its head goes to the other site, its files to a store with a lock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.not_run import opened_at
from rto_rpo.evidence.keeping.chain import head
from rto_rpo.evidence.keeping.files import listing
from rto_rpo.evidence.lines.heads import Kept, keep_head
from rto_rpo.evidence.lines.history import RunRecord, entries_of, read_entries, run_records
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
            upload(plan, run)
        except (BlackstartError, EvidenceError) as error:
            yield f"not uploaded (`blackstart upload` does it later): {error}"


def keep(plan: Plan, run: str | None) -> None:
    """Add the chain's head to the file at the other site, if the plan names one. Raises EvidenceError."""
    now = head(plan.evidence.path)
    if plan.evidence.heads is not None and now is not None:
        utc = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        keep_head(plan.evidence.heads, Kept(utc, plan.name, run, now))


def upload(plan: Plan, only: str | None = None) -> list[str]:
    """Probe the store, then upload every closed run (or only one) that is not there yet, with the chain.

    Says what was done, in a line each. Raises BlackstartError.
    """
    noun, root = plan.evidence.upload, plan.evidence.path
    if noun is None:
        raise BlackstartError("there is nowhere to upload to", hint="declare `evidence.upload` in the plan")
    from sites.drivers.s3.archive import archive_of  # here, because it takes half a second to load

    archive = archive_of(noun)
    said = [archive.probe()]
    for record in _closed(root):
        if record.pruned is None and only in (None, record.opened.run):
            done = archive.upload(_files(root, record), _until(plan, record))
            said.append(
                f"{record.opened.folder}: {done.put} files uploaded, {done.present} there already, "
                f"locked until {done.locked_until:%Y-%m-%d}"
            )
    return said


def _closed(root: Path) -> list[RunRecord]:
    return [record for record in run_records(entries_of(root)) if record.closed is not None]


def _until(plan: Plan, record: RunRecord) -> datetime:
    kept = opened_at(record.opened) + timedelta(seconds=plan.evidence.retention.seconds)
    return max(kept, datetime.now(UTC) + timedelta(days=1))


def _files(root: Path, record: RunRecord) -> dict[str, Path | bytes]:
    """The run's files, and the chain as it stands, under the name of its head."""
    folder, chain = root / record.opened.folder, (root / CHAIN_NAME).read_bytes()
    files: dict[str, Path | bytes] = {f"{folder.name}/{name}": folder / name for name in listing(folder)[0]}
    files[f"chain/{read_entries(chain)[-1].sha256}.jsonl"] = chain
    if (root / PUBLIC_KEY_NAME).is_file():
        files[PUBLIC_KEY_NAME] = root / PUBLIC_KEY_NAME
    return files
