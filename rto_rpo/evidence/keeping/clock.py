"""The clock of whoever writes, held against the chain: what a person signs is read by its time for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.lines.line import AnyLine, Recorded

APART: Final = timedelta(minutes=1)  # of two who write at once one looks at the clock and waits


def require_clock(lines: Iterable[AnyLine], utc: str, what: str, *, signed: bool) -> None:
    """Raises EvidenceError where `verify` would take the next line for one that was put in another place.

    A `signed` word must not be earlier than any line, other lines not earlier than any signed word.
    """
    before = (line for line in lines if signed or is_signed(line))
    newest = max((line.utc for line in before), default=utc)
    if datetime.fromisoformat(utc) + APART < datetime.fromisoformat(newest):
        told = "the chain's newest line is of" if signed else "a word was signed at"
        raise EvidenceError(
            f"cannot {what}: {told} {newest}, and by this clock it is {utc}",
            hint="set the clock right, or wait until it has caught up",
        )


def is_signed(line: AnyLine) -> bool:
    """Whether a person's own key signed it, as far as it says."""
    return isinstance(line, Recorded) and line.entry.by.signature is not None
