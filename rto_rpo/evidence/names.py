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

CUT_OFF: Final = ".new"  # what `write_durably` leaves where it is cut off, by the name of the file
PAGES: Final = (PAGE_NAME, TEXT_NAME)
OF_A_RUN: Final = (PLAN_NAME, CHARTER_NAME, LEDGER_NAME, UNDO_NAME, REPORT_NAME, *PAGES)
