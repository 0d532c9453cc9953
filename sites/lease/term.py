"""The rules of the lease, pure: who may hold it, until when, and when it has surely passed.

Two clocks, never compared with each other, each counting seconds without ever going back:

- The holder's. A renewal counts from the moment *before* it was asked for, for `seconds`. Whatever happens to
  the holder meanwhile (it is stopped, it sleeps, an answer is late), its term is never longer than that.
- The taker's. Once the witness has the lease as taken, no renewal can succeed any more; the last one that did
  was asked for before. So when `seconds`, what two clocks may drift apart in that time, and a margin have
  passed since the *answer* that it is taken, the holder's term is over by the holder's own clock.

What makes it a fence is not here but at the door: it looks at the holder's clock after it has received what a
client sent, and before it passes that on. So nothing that is sent after the term is passed on, however long
the door itself stood still in between.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from sites.capability import Witness
from sites.errors import FenceError

DRIFT = 0.01  # two clocks differ by less than this share; real ones by a thousandth of it
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Record:
    """What the witness holds. `number` counts the writes.

    `seconds` is the longest term that any holder was given since the lease was last free: one that was
    replaced may still count on its own.
    """

    site: str
    state: Literal["held", "taken", "free"]
    holder: str
    number: int
    seconds: float

    @property
    def raw(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, raw: bytes) -> Record:
        """Raises FenceError for what is no lease of ours."""
        try:
            return cls(**json.loads(raw))
        except (ValueError, TypeError):
            raise FenceError(
                "what the witness holds is no lease", hint="give the lease a key of its own"
            ) from None


def boot_seconds() -> float:
    """Seconds since the machine was started, those in which it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Term:
    """The holder's side. `open` may be asked by any thread; `renew` by one."""

    def __init__(
        self,
        witness: Witness,
        site: str,
        holder: str,
        seconds: float,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        self._witness, self._site, self._holder, self._seconds = witness, site, holder, seconds
        self._clock, self._until = clock, float("-inf")

    @property
    def open(self) -> bool:
        return self._clock() < self._until

    def renew(self) -> str | None:
        """Ask for one more term; why it was not given, or None. Raises what the witness raises."""
        began = self._clock()
        seen = self._witness.read()
        before = Record.of(seen.content) if seen is not None else None
        if before is not None and before.state == "taken":
            self._until = float("-inf")
            return f'it was taken from site "{self._site}" by {before.holder}'
        number = before.number + 1 if before is not None else 1
        others = before.seconds if before is not None and before.state == "held" else 0.0
        record = Record(self._site, "held", self._holder, number, max(self._seconds, others))
        if self._witness.write(record.raw, seen) is None:
            return "somebody else wrote it at the same time"
        self._until = began + self._seconds
        return None


def take(
    witness: Witness,
    by: str,
    margin_seconds: float,
    clock: Callable[[], float] = boot_seconds,
    sleep: Callable[[float], None] = time.sleep,
) -> Record:
    """Take the lease from its holder and return once the holder's term has passed.

    Raises FenceError where nobody ever held it, or it cannot be had, and what the witness raises.
    """
    record = _marked(witness, "taken", by)
    until = clock() + record.seconds * (1 + DRIFT) + margin_seconds
    while (left := until - clock()) > 0:
        sleep(left)
    return record


def give_back(witness: Witness, by: str) -> None:
    """The site may hold it again. No effect where nobody ever did. Raises what `take` does."""
    if witness.read() is not None:
        _marked(witness, "free", by)


def taken(witness: Witness) -> bool:
    """Whether nobody can renew it now. Raises what the witness raises."""
    seen = witness.read()
    return seen is not None and Record.of(seen.content).state == "taken"


def _marked(witness: Witness, state: Literal["taken", "free"], by: str) -> Record:
    for _ in range(_TRIES):
        seen = witness.read()
        if seen is None:
            raise FenceError(
                "nobody ever held the lease, so nothing shows that clients pass through its door",
                hint="run `blackstart hold-lease` beside the database",
            )
        before = Record.of(seen.content)
        record = Record(before.site, state, by, before.number + 1, before.seconds)
        if witness.write(record.raw, seen) is not None:
            return record
    raise FenceError("the lease was written by somebody else every time; it could not be taken")
