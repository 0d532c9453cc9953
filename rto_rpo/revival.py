"""The old primary brought back: it must be heard to refuse, by itself, for long enough and all along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from rto_rpo.ledger.records import Operation
from rto_rpo.refusal import by_cause, refused_by_server
from rto_rpo.stall import in_seconds

WATCHED_NS_MAX: Final = 10 * 10**9


@dataclass(frozen=True, slots=True)
class Revival:
    """What became of the writes that were sent to the old primary since it was being brought back.

    `causes` count how they ended, by cause. `doubt` says why they do not show that it takes none.
    """

    tried: int
    taken: tuple[int, ...]
    causes: Counter[str]
    doubt: str | None

    def __str__(self) -> str:
        return f"it took {len(self.taken)} of {self.tried} writes{by_cause(self.causes)}"


def watched_ns(stable_ns: int) -> int:
    """For how long a revived server has to be heard to refuse: as long as the service had to be stable."""
    return min(stable_ns, WATCHED_NS_MAX)


def revival(
    writes: Iterable[Operation],
    begin_ns: int,
    gone_ns: tuple[int, int] | None,
    due_ns: int,
    unwatched: Callable[[tuple[int, int]], str | None],
) -> Revival:
    """Judge the `writes` that were sent since `begin_ns`.

    Its refusals must lie `due_ns` apart, the first from the last: its server's own, and what failed between
    two proofs, at the two instants of `gone_ns`, that nothing of it runs. `unwatched` says why nothing can be
    said of a span of time, or None.
    """
    tried, taken, causes, refused = 0, [], Counter[str](), []
    for write in writes:
        tried += 1
        causes[write["cause"]] += 1
        if write["outcome"] == "acknowledged":
            taken.append(write["number"])
        elif refused_by_server(write["outcome"], write["cause"]) or _refused_by_none(write, gone_ns):
            refused.append(write["sent_ns"])
    doubt = _doubt(tried, sorted(refused), begin_ns, due_ns, unwatched)
    return Revival(tried, tuple(sorted(taken)), causes, doubt)


def _refused_by_none(write: Operation, gone_ns: tuple[int, int] | None) -> bool:
    """Whether it failed while it was proven, before and after, that there was nobody to do it."""
    if gone_ns is None or write["outcome"] != "failed":
        return False
    return gone_ns[0] <= write["sent_ns"] and write["completed_ns"] <= gone_ns[1]


def _doubt(
    tried: int,
    refused: list[int],
    begin_ns: int,
    due_ns: int,
    unwatched: Callable[[tuple[int, int]], str | None],
) -> str | None:
    if not tried:
        return "nothing was sent to the old primary after it was revived"
    if not refused:
        return "nothing shows that the revived old primary ran: its server itself refused no write"
    if refused[-1] - refused[0] < due_ns:
        heard, due = in_seconds(refused[-1] - refused[0]), in_seconds(due_ns)
        return f"the revived old primary was heard to refuse for {heard} only, where {due} are due"
    problem = unwatched((begin_ns, refused[-1]))
    return None if problem is None else f"while the old primary was revived: {problem}"
