"""Small chains to damage: three signed runs, the third with a changed plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from rto_rpo.evidence.checking.story import story_findings
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.history import chain_findings, read_entries, signature_findings
from rto_rpo.evidence.lines.line import split
from rto_rpo.evidence.lines.signature import PublicKey, SigningKey

PLANS = (b"name: desk\n", b"name: desk\n", b"name: desk\nenvironment: demo\n")


def run_id(number: int) -> str:
    return str(UUID(int=(number << 96) | 7))


def make_chain(root: Path, key: SigningKey | None, plans: tuple[bytes, ...] = PLANS) -> list[bytes]:
    """The raw lines of one closed run for each plan."""
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    for number, plan in enumerate(plans, 1):
        when = now + timedelta(days=number)
        folder = chain.open_run(root, run=run_id(number), drill="kill", plan=plan, key=key, now=when)
        (folder.path / "ledger.jsonl").write_bytes(b"%d" % number)
        chain.close_run(root, folder, verdict="met", key=key, now=when)
    return split((root / "chain.jsonl").read_bytes())


def findings(chain_bytes: bytes, key: PublicKey | None) -> list[str]:
    """All that the lines alone show."""
    entries = read_entries(chain_bytes)
    return [
        *chain_findings(entries),
        *signature_findings(entries, key),
        *story_findings(entries),
    ]
