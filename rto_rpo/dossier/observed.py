"""What one run says of one promise, as an observation: with everything in doubt taken against it.

The one rule for all who look at runs side by side: the trends of the reports (`dossier.history`) and the
claims of `blackstart report --history` (`series`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.dossier.digest import Digest
from rto_rpo.measurement import Verdict
from rto_rpo.report.model import Judgement
from rto_rpo.statistics import UNKNOWN, Observation

WORST_FIRST = ("missed", "inconclusive", "met").index
_HARM = {
    "lost_late": "lost after the recovery",
    "corrupt": "corrupt",
    "duplicated": "duplicated",
    "resurrected": "resurrected",
}
_OPEN = {
    "unrecorded": "unrecorded: no outcome, and not read back",
    "phantom": "phantom: read back, though the client was told that it failed",
    "unexpected": "unexpected: read back, and nobody sent it",
}


def kept(found: Digest, judgement: Judgement) -> Verdict:
    """How the promise of then came out, with everything that speaks against the run: the worse of the two."""
    declared = judgement.declared_seconds
    return min(judgement.verdict, observed(found, judgement, declared)[0].verdict(declared), key=WORST_FIRST)


def observed(found: Digest, judgement: Judgement, limit_seconds: float) -> tuple[Observation, str]:
    """The observation, and why nothing, or nothing good, follows from it where its bounds do not show that.

    `limit_seconds` is the promise as it stands today, which may not be the one that the run was judged by.
    """
    lower, upper = judgement.lower_seconds or 0.0, judgement.upper_seconds
    if damage := _damage(found, judgement, limit_seconds):
        void = found.void is not None
        return Observation(0.0 if void else lower, None if void else upper, damaged=True), damage
    if found.void:
        return UNKNOWN, f"void: {found.void}"
    if judgement.verdict == "inconclusive" and upper is not None and upper <= judgement.declared_seconds:
        return Observation(lower, None), judgement.reason
    if doubt := "; ".join([*_unread(found, judgement, limit_seconds), *_doubts(found)]):
        return Observation(lower, upper, doubted=True), "" if lower > limit_seconds else doubt
    return Observation(lower, upper), ""


def _damage(found: Digest, judgement: Judgement, limit_seconds: float) -> str:
    """What is missed however short it was: two writers spoil every promise of a run."""
    split = [f"split brain: {one.reason}" for one in found.splits if one.verdict == "missed"]
    if split:
        return "; ".join(split)
    if judgement.objective != "rpo":
        return ""
    ways = found.ways.get(judgement.stream or "", {})
    harm = {"lost": "lost, where 0 s allows none"} if limit_seconds == 0 else {}
    return ", ".join(f"{ways[way]} {what}" for way, what in (harm | _HARM).items() if ways.get(way))


def _unread(found: Digest, judgement: Judgement, limit_seconds: float) -> Iterator[str]:
    """What keeps the judge from calling an rpo met, where the bounds do not show it.

    Looked at whatever the verdict was: a run that missed the promise of then is held against that of today.
    """
    if judgement.objective != "rpo":
        return
    stream = judgement.stream or ""
    ways = found.ways.get(stream, {})
    if stream in found.unread:
        yield "what was read back does not count"
    yield from (f"{ways[way]} {what}" for way, what in _OPEN.items() if ways.get(way))
    if stream in found.never_stable:
        yield "no stable run was seen, so the recovery had not ended"
    if limit_seconds != judgement.declared_seconds and not ways.get("lost"):  # that one the judge looked at
        age = found.newest.get(stream)
        if why := age.too_old(limit_seconds) if age else "nothing tells how old the newest write was":
            yield why


def _doubts(found: Digest) -> Iterator[str]:
    """What keeps a run from being met as a whole, though the numbers of this promise stand."""
    yield from (f"check {one.name}: {one.reason}" for one in found.checks if one.verdict != "met")
    yield from (f"split brain: {one.reason}" for one in found.splits if one.verdict == "inconclusive")
    yield from found.doubts
