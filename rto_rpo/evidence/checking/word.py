"""A person's signed word: said once, and at the time that its signature covers.

Whoever holds the key of the chain cannot make such a word, but could put one that he has in another place.
Its time goes with it: that is what shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from rto_rpo.evidence.agreed.person import statement
from rto_rpo.evidence.keeping.clock import APART
from rto_rpo.evidence.lines.line import AnyLine, Recorded


class Words:
    """Follows the chain from its first line on."""

    def __init__(self) -> None:
        self._said: dict[bytes, int] = {}
        self._last: tuple[datetime, int] | None = None
        self._word: tuple[datetime, str] | None = None

    def told(self, line: AnyLine, number: int) -> Iterator[str]:
        """What is wrong with the place of this line, the `number`th of the chain."""
        utc = datetime.fromisoformat(line.utc)
        if self._word is not None and utc + APART < self._word[0]:
            yield f"it was written before the {self._word[1]} was signed: that was put before it"
        if self._last is None or utc > self._last[0]:
            self._last = utc, number
        if isinstance(line, Recorded) and line.entry.by.signature is not None:
            yield from self._signed(line, number, utc, self._last)

    def _signed(
        self, line: Recorded, number: int, utc: datetime, last: tuple[datetime, int]
    ) -> Iterator[str]:
        name = f'{line.entry.what} of "{line.entry.by.name}"'
        first = self._said.setdefault(said(line), number)
        if first != number:
            yield f"{name} was signed once and stands in chain line {first} already: replayed"
        elif utc + APART < last[0]:
            yield f"{name} was signed before chain line {last[1]} was written: it was put in later"
        if self._word is None or utc > self._word[0]:
            self._word = utc, f"{name} in chain line {number}"


def said(line: Recorded) -> bytes:
    """What makes a signed word this one: who signed which statement."""
    words = statement(plan=line.plan, run=line.run, drill=line.drill, utc=line.utc, entry=line.entry)
    return sha256(words).digest()
