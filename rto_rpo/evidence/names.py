"""How the files of the evidence are called, in one place."""

from __future__ import annotations

from typing import Final

CHAIN_NAME: Final = "chain.jsonl"
LOCK_NAME: Final = "chain.lock"
PUBLIC_KEY_NAME: Final = "public_key.pem"

PLAN_NAME: Final = "plan.yaml"
CHARTER_NAME: Final = "charter.json"
LEDGER_NAME: Final = "ledger.jsonl"
UNDO_NAME: Final = "undo.jsonl"
REPORT_NAME: Final = "report.json"
PAGE_NAME: Final = "report.html"
TEXT_NAME: Final = "report.md"
