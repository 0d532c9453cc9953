"""Evidence on disk: runs in folders, chained, signed and verifiable by anyone.

`lines` is what the chain says, `agreed` what was said before and about a run, `keeping` writes it, `checking`
reads all of it again.
"""

from __future__ import annotations


class EvidenceError(Exception):
    """The evidence could not be read or written. `hint` says the way out where one is known."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
