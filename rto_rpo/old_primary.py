"""What a run says of the old primary besides its answers, and which of its silences are a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rto_rpo.ledger.records import Operation
from rto_rpo.refusal import answered, by_cause, closed, refused_by_server
from rto_rpo.revival import Revival


@dataclass(frozen=True, slots=True)
class OldPrimary:
    """Instants in ns; None where nobody said so.

    `names`: what it called itself at its own address until the fault; empty where it gave none. `watch_ns`:
    when the fault began. An acknowledgement from `well_from_ns` on shows that its address worked.
    `fenced_ns`: when a fence was proven that holds by itself, such as a machine turned off. `gone_ns`: the
    first and the last proof that nothing of it runs, both before `back_ns`, when it began to be brought back.
    """

    names: frozenset[str]
    watch_ns: int
    well_from_ns: int
    fenced_ns: int | None
    gone_ns: tuple[int, int] | None
    back_ns: int | None
    revival: Revival | None

    def was_gone(self, sent_ns: int, completed_ns: int) -> bool:
        """Whether it was proven, before and after, that there was nobody to answer."""
        gone = self.gone_ns
        return gone is not None and gone[0] <= sent_ns and completed_ns <= gone[1]

    def is_another(self, name: str | None) -> bool:
        """Whether a server answered at its address that is not known to be it."""
        return name is not None and bool(self.names) and name not in self.names

    def is_shut(self, write: Operation) -> bool:
        """Whether it was proven that nobody there could do this write, before it was sent."""
        if self.fenced_ns is not None and write["sent_ns"] >= self.fenced_ns:
            return True
        return self.was_gone(write["sent_ns"], write["completed_ns"])


def unheard(writes: Iterable[Operation], span: tuple[int, int], old: OldPrimary) -> str | None:
    """Which of the failed `writes`, sent within `span`, nothing shows to have been refused; None if all were.

    A write is refused by its server itself, or fails while nobody there could do it. A closed port counts
    where the server itself refused later on. A recorder that is cut off from the old primary hears neither,
    and its other clients may be served.
    """
    asked, refused_last, unsettled, silent = 0, -1, list[tuple[int, str]](), Counter[str]()
    for write in writes:
        sent, cause = write["sent_ns"], write["cause"]
        if not span[0] < sent <= span[1] or (old.back_ns is not None and sent >= old.back_ns):
            continue
        asked += 1
        if old.is_another(write["address"]):
            silent[f"{cause} by {write['address']}"] += 1
        elif answered(write["outcome"], cause) and old.was_gone(sent, write["completed_ns"]):
            return f"its server answered ({cause}) while it was proven to be gone"
        elif refused_by_server(write["outcome"], cause):
            refused_last = max(refused_last, sent)
        elif old.is_shut(write):
            continue
        elif closed(cause):
            unsettled.append((sent, cause))
        else:
            silent[cause] += 1
    if not asked:
        return "nothing was sent to the old primary from then until the service was stable"
    silent.update(cause for sent, cause in unsettled if sent > refused_last)
    if not silent:
        return None
    told = f"{silent.total()} of {asked} writes to the old primary failed without its server's refusal"
    return f"{told}{by_cause(silent)}, and nothing proves that it was fenced or gone"
