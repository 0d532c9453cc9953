"""When operations were sent: the first of them, and how long an outage may have been that none saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rto_rpo.ledger.records import LIMIT
from rto_rpo.operations import StreamHistory

# What `StreamHistory.settled` and `scheduled` give between two instants.
Walk = Callable[[int, int], Iterable[tuple[int, int, int, int]]]

# So many intervals are put in order in one go, or more, so that there are no more goes than that.
_INTERVALS_AT_ONCE: Final = 50_000
_GOES_MAX: Final = 200


def sent_since(walk: Walk, since_ns: int, until_ns: int = LIMIT) -> Iterator[int]:
    """When that was sent which was sent since then; what was sent after `until_ns` may be left out."""
    return (sent for sent, _, _, _ in walk(since_ns, until_ns) if sent >= since_ns)


def first_sent(walk: Walk, since_ns: int) -> int:
    """When the first of it was sent: no later than any of it. -1 for none."""
    some = next(sent_since(walk, since_ns), -1)
    return min(sent_since(walk, since_ns, some), default=-1)


def longest_unseen_ns(history: StreamHistory, begin_ns: int, watch_ns: int, until_ns: int = LIMIT) -> int:
    """The longest stretch from one sending to the answer of the next one, where all were served.

    The service was there at some moment between the sending and the answer of each. So no outage was longer
    than that which began after `begin_ns` (the fault's begin, or what was served last before `watch_ns`) or a
    sending since `watch_ns`, and before `until_ns`.
    """
    longest, before = 0, begin_ns
    for sent, completed in _as_sent(history, watch_ns, until_ns):
        if before < until_ns:
            longest = max(longest, completed - before)
        before = sent
    return longest


def _as_sent(history: StreamHistory, watch_ns: int, until_ns: int) -> Iterator[tuple[int, int]]:
    """(sent, completed), rising, of what was sent since then, at least to the first from `until_ns` on."""
    last = first_sent(history.settled, until_ns)
    if last < 0:
        last = max(sent_since(history.settled, watch_ns), default=-1)
    step = max(_INTERVALS_AT_ONCE * history.stream["interval_ns"], (last - watch_ns) // _GOES_MAX)
    for start in range(watch_ns, last + 1, step):
        stop = start + step
        found = history.settled(start, stop)
        yield from sorted((sent, completed) for sent, completed, _, _ in found if start <= sent < stop)
