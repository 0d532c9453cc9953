"""When operations were sent: the first of them, and how long an outage may have been that none of them saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rto_rpo.ledger.records import LIMIT
from rto_rpo.operations import StreamHistory

# What `StreamHistory.settled` and `scheduled` give between two instants.
Walk = Callable[[int, int], Iterable[tuple[int, int, int, int]]]

_INTERVALS_AT_ONCE: Final = 50_000


def sent_since(walk: Walk, since_ns: int, until_ns: int = LIMIT) -> Iterator[int]:
    """When that was sent which was sent since then; what was sent after `until_ns` may be left out."""
    return (sent for sent, _, _, _ in walk(since_ns, until_ns) if sent >= since_ns)


def first_sent(walk: Walk, since_ns: int) -> int:
    """When the first of it was sent: no later than any of it. -1 for none."""
    some = next(sent_since(walk, since_ns), -1)
    return min(sent_since(walk, since_ns, some), default=-1)


def longest_unseen_ns(history: StreamHistory, watch_ns: int, until_ns: int = LIMIT) -> int:
    """The longest stretch from one sending to the answer of the next one, where all were served.

    The service was there at some moment between the sending and the answer of each. So it was away for no
    longer than that from `watch_ns` on, or from any sending before `until_ns`.
    """
    longest, before = 0, watch_ns
    for sent, completed in _as_sent(history, watch_ns, until_ns):
        if before < until_ns:
            longest = max(longest, completed - before)
        before = sent
    return longest


def _as_sent(history: StreamHistory, watch_ns: int, until_ns: int) -> Iterator[tuple[int, int]]:
    """(sent, completed), rising, of what was sent since then, to the first of it at or after `until_ns`."""
    last = first_sent(history.settled, until_ns)
    if last < 0:
        last = max(sent_since(history.settled, watch_ns), default=-1)
    step = _INTERVALS_AT_ONCE * history.stream["interval_ns"]
    for start in range(watch_ns, last + 1, step):
        stop = min(start + step, last + 1)
        found = history.settled(start, stop)
        yield from sorted((sent, completed) for sent, completed, _, _ in found if start <= sent < stop)
