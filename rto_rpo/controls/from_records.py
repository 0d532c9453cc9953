"""Answers that the records give: what was agreed before, what was written down, what became of findings."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.controls.answer import Answer, Evidence
from rto_rpo.controls.witness import answered, charter_of, drills, flaw, last_drill, unread, upheld
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import Finding as Found
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.agreed.charter import Charter
from rto_rpo.evidence.agreed.person import standing
from rto_rpo.evidence.lines.record import Finding, FindingState
from rto_rpo.evidence.lines.signature import PublicKey


def frozen(found: Evidence) -> Answer:
    run = last_drill(found)
    if run is None:
        return Answer("not tested", "no drill ran in the last year")
    if run.digest is None:
        return unread(run)
    if run.digest.frozen and run.digest.frozen.criteria_sha256:
        why = f"frozen before the fault as {run.digest.frozen.criteria_sha256[:16]}: {run.utc[:10]}"
        return upheld(found, run, Answer("met", why, (run.folder,)))
    return Answer("not tested", "the newest drill froze no criteria before it began", (run.folder,))


def scenario(found: Evidence) -> Answer:
    def tell(run: Run, _: Digest) -> Answer:
        return Answer("met", f"written down before the run of {run.utc[:10]}", (run.folder,))

    def has_one(told: Digest) -> bool:
        return bool(told.frozen and (told.frozen.scenario or "").strip())

    nothing = "no run of the last year wrote its scenario down beforehand"
    return answered(found, has_one, nothing, tell, flaw)


def recorded(found: Evidence) -> Answer:
    """A tabletop has nothing to measure, and so no report."""
    if found.shelf.problems:
        return Answer("not met", f"the chain does not hold: {found.shelf.problems[0]}")
    ran = drills(found)
    if not ran:
        return Answer("not tested", "no drill ran in the last year")
    without = [run for run in ran if not _has_report(run)]
    if without:
        return Answer("not met", f"{without[-1].folder}: {without[-1].problem}", (without[-1].folder,))
    runs = "the one run" if len(ran) == 1 else f"each of the {len(ran)} runs"
    told = f"{runs} of the last year has its report in the chain"
    return Answer("met", told, tuple(run.folder for run in ran))


def _has_report(run: Run) -> bool:
    """Of one that was pruned the chain still says whether it had one."""
    closed = run.record.closed
    if run.record.pruned is None or closed is None:
        return run.digest is not None
    return run.report_sha256 is not None and closed.source == "drill"


def followed(found: Evidence) -> Answer:
    if all(run.talked for run in found.shelf.runs):
        return Answer("not tested", "nothing ran that could have found anything")
    day = found.day.isoformat()
    open_ = [one for one in found.findings if one.state(day) == "open"]
    late = [one.id for one in open_ if one.overdue(day)]
    loose = [one.id for one in open_ if not (one.owner and one.due)]
    if late:
        return Answer("not met", f"overdue: {', '.join(late)}")
    if loose:
        return Answer("not met", f"without an owner or a day: {', '.join(loose)}")
    if claimed := _claimed(found):
        return Answer("inconclusive", f"it rests on words that nobody signed: {', '.join(claimed)}")
    if own := sorted(_own_judges(found)):
        return Answer("inconclusive", f"closed or accepted by whoever ran the drills: {', '.join(own)}")
    if not open_:
        return Answer("met", "no finding is open")
    return Answer("met", f"findings open, each with an owner and a day: {len(open_)}")


def _claimed(found: Evidence) -> list[str]:
    """Findings that are what they are by somebody's word, and that word is not signed by a listed key."""
    lasts = {one.id: one.turns[-1] for one in found.findings}
    known = {name for name, last in lasts.items() if last.by is not None or last.what != "closed"}
    return sorted(
        {
            line.entry.id
            for line in found.shelf.said
            if isinstance(line.entry, Finding | FindingState)
            and line.entry.id in known
            and standing(line, found.roles) != "signed"
        }
    )


def _own_judges(found: Evidence) -> Iterator[str]:
    """Findings that stand closed or accepted by the word of somebody who ran the drills that found them."""
    for one in found.findings:
        last = one.last
        if last.by is None or last.what not in {"closed", "accepted"}:
            continue
        names, keys = _who_ran(found, one)
        if last.by.casefold() in names or last.key in keys:
            yield one.id


def _who_ran(found: Evidence, one: Found) -> tuple[set[str], set[str]]:
    """Who executed the runs in which it was seen, by name and by the keys listed for them."""
    runs = filter(None, (found.shelf.run(turn.folder) for turn in one.turns if turn.folder))
    charters = [found.charter, *(charter_of(found, run) for run in runs)]
    names, keys = set[str](), set[str]()
    for charter in filter(None, charters):
        names |= {name.casefold() for name in _executors(charter)}
        keys |= {
            PublicKey(bytes.fromhex(role.public)).identity
            for role in charter.roles
            if role.public and role.name.casefold() in names
        }
    return names, keys


def _executors(charter: Charter) -> Iterator[str]:
    yield charter.executor.name
    yield from (role.name for role in charter.roles if role.role == "executor")
