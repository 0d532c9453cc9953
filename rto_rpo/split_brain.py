"""Split brain: what the old primary's own address still acknowledged once the new side served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rto_rpo.column import ACKNOWLEDGED, INDETERMINATE, OUTCOME_MASK
from rto_rpo.first_answer import FirstAnswer
from rto_rpo.ledger.records import Operation
from rto_rpo.measurement import SplitBrain, Verdict
from rto_rpo.old_primary import OldPrimary, unheard
from rto_rpo.operations import StreamHistory
from rto_rpo.revival import Revival

Asked = Callable[[int], Iterable[Operation]]


@dataclass(slots=True)
class _Answers:
    """What became of the writes to the old primary, against the new side's first answer.

    `after`: acknowledged, and sent once that answer, from a server known to be the new one, had arrived.
    `overlapping`: acknowledged, and perhaps so. `shared`: acknowledged by a server that answers clients too.
    `tried` were sent since then, and of `unknown` nobody knows.
    `unanswered`: sent since the fault; what was sent before that answer and never answered nobody believes.
    `while_gone`: acknowledged while it was proven that nothing of it ran.
    """

    after: list[int] = field(default_factory=list)
    overlapping: list[int] = field(default_factory=list)
    shared: int = 0
    tried: int = 0
    unknown: int = 0
    unanswered: int = 0
    while_gone: int = 0
    worked: bool = False


def split_brain(
    history: StreamHistory,
    answers: Sequence[FirstAnswer],
    stable: tuple[int, int],
    old: OldPrimary,
    asked_since: Asked,
    unwatched: Callable[[tuple[int, int]], str | None],
    unseen: str | None,
) -> SplitBrain:
    """Judge the old primary's stream against the new side's first answer to any of the clients' streams.

    `stable`: until when the service was, and for how long it has to be. So long the old primary has to refuse
    once the new side served; `unwatched` says why it was not written to in a span of time, `asked_since`
    yields its writes since an instant. `unseen` says why the new side may have answered clients before that.
    """
    name = history.stream["name"]
    if not answers:
        never = "nothing shows that a new side served"
        return _told(name, _Answers(), ("inconclusive", never), old.revival)
    first = _first_of_all(answers)
    span = first.acknowledged_ns, max(stable[0], first.sent_ns + stable[1])
    found = _answered(history, first, old)
    verdict, reason = _verdict(found, first.certain_ns, old.revival)
    if verdict == "met":
        asked = asked_since(first.acknowledged_ns)
        problem = unseen or _no_outcome(history) or unheard(asked, span, old)
        problem = problem or _not_all_along(unwatched(span))
        if problem is not None:
            verdict, reason = "inconclusive", problem
    return _told(name, found, (verdict, reason), old.revival)


def _first_of_all(answers: Sequence[FirstAnswer]) -> FirstAnswer:
    return FirstAnswer(
        min(each.acknowledged_ns for each in answers),
        min(each.sent_ns for each in answers),
        min((each.certain_ns for each in answers if each.certain_ns is not None), default=None),
        frozenset[str]().union(*(each.names for each in answers)),
    )


def _answered(history: StreamHistory, first: FirstAnswer, old: OldPrimary) -> _Answers:
    found, writes = _Answers(), history.writes
    shared = {number for name, number in history.addresses.items() if name in first.names}
    for slot, state in enumerate(writes.state):
        outcome = state & OUTCOME_MASK
        if not outcome:
            continue
        sent, completed = writes.sent_ns(slot), writes.completed_ns(slot)
        later = sent > first.acknowledged_ns
        found.tried += later
        if outcome == ACKNOWLEDGED and writes.address[slot] in shared:
            found.shared += 1
        elif outcome == ACKNOWLEDGED:
            found.worked |= completed >= old.well_from_ns
            found.while_gone += old.was_gone(sent, completed)
            if first.certain_ns is not None and sent > first.certain_ns:
                found.after.append(writes.number(slot))
            elif completed >= first.sent_ns:
                found.overlapping.append(writes.number(slot))
        elif outcome == INDETERMINATE:
            found.unknown += later
            found.unanswered += sent >= old.watch_ns
    return found


def _verdict(found: _Answers, certain_ns: int | None, revival: Revival | None) -> tuple[Verdict, str]:
    once = "once the new side served"
    if found.after:
        return "missed", f"the old primary acknowledged {len(found.after)} writes that were sent {once}"
    doubt = _doubt(found, certain_ns) or (None if revival is None else revival.doubt)
    if doubt is not None:
        return "inconclusive", doubt
    before = f"; never answered of those sent before: {found.unanswered}"
    said = f"the old primary acknowledged none of {found.tried} writes sent {once}"
    return "met", said + before * bool(found.unanswered)


def _doubt(found: _Answers, certain_ns: int | None) -> str | None:
    """Why nothing says that the old primary took none, or None. The gravest reason first."""
    once = "once the new side served"
    if found.overlapping and certain_ns is None:
        count = len(found.overlapping)
        return (
            f"nothing names the server that answered clients, and the old primary acknowledged {count} writes"
        )
    if found.overlapping:
        return f"{len(found.overlapping)} writes acknowledged by the old primary overlap the new side's first"
    if found.shared:
        who = "its own address was answered by a server that clients were answered by too"
        return f"{found.shared} writes to the old primary were none: {who}"
    if found.while_gone:
        return f"the old primary acknowledged {found.while_gone} writes while it was proven to be gone"
    if not found.tried:
        return f"nothing was sent to the old primary {once}"
    if found.unknown:
        maybe = f"{found.unknown} of {found.tried} writes sent to the old primary {once}"
        return f"{maybe} may have been committed there"
    if not found.worked:
        return "its own address acknowledged nothing right before the fault, so nothing shows that it worked"
    return None


def _no_outcome(history: StreamHistory) -> str | None:
    slot = next(history.writes.unsettled(), None)
    return None if slot is None else f"write {history.writes.number(slot)} to the old primary has no outcome"


def _not_all_along(problem: str | None) -> str | None:
    return None if problem is None else f"the old primary was not written to all along: {problem}"


def _told(stream: str, found: _Answers, judged: tuple[Verdict, str], revival: Revival | None) -> SplitBrain:
    """What was not tried is said as plainly as what was."""
    verdict, reason = judged
    said = f"{reason}; after its revival: {'not tested' if revival is None else revival}"
    after, overlapping = tuple(found.after), tuple(found.overlapping)
    if revival is None:
        return SplitBrain(stream, after, overlapping, verdict, said)
    return SplitBrain(stream, after, overlapping, verdict, said, True, revival.tried, revival.taken)
