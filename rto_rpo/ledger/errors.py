"""What is wrong with a ledger, and where."""

from __future__ import annotations


class LedgerError(ValueError):
    """A ledger contradicts itself or is not whole. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"ledger line {line}: {reason}")
        self.line = line
        self.reason = reason
