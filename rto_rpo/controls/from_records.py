"""Answers that the records give: what was agreed before, what was written down, what became of findings."""

from __future__ import annotations

from collections.abc import Iterator

from rto_rpo.controls.answer import Answer, Evidence
from rto_rpo.controls.witness import (
    accepted,
    answered,
    charter_of,
    drills,
    flaw,
    last_drill,
    said_of,
    unread,
    upheld,
)
from rto_rpo.dossier.digest import Digest
from rto_rpo.dossier.finding import Finding as Found
from rto_rpo.dossier.shelf import Run
from rto_rpo.evidence.agreed.charter import Charter
from rto_rpo.evidence.agreed.person import executor, standing
from rto_rpo.evidence.lines.record import Finding, FindingState
from rto_rpo.evidence.lines.signature import PublicKey
from rto_rpo.report.words import count


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
    told = answered(found, has_one, nothing, tell, flaw)
    without = [run.folder for run in drills(found) if run.digest and not has_one(run.digest)]
    if told.state == "met" and without:
        why = f"{count(len(without), 'run')} of the last year wrote none down, the last {without[-1]}"
        return Answer("not met", why, tuple(without))
    return told


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
    if undone := _not_run(found):
        return Answer("not met", undone)
    if loose:
        return Answer("not met", f"without an owner or a day: {', '.join(loose)}")
    if last_drill(found) is None:
        return Answer("not tested", "no drill of the last year looked for anything")
    if claimed := _claimed(found):
        return Answer("inconclusive", f"it rests on words that nobody signed: {', '.join(claimed)}")
    for doubt in _own_judges(found):
        return Answer("inconclusive", doubt)
    if not open_:
        return Answer("met", "no finding is open")
    return Answer("met", f"findings open, each with an owner and a day: {len(open_)}")


def _not_run(found: Evidence) -> str | None:
    """Drills that were due after their last run and did not happen: nobody knows what they would find."""
    last = {run.drill: run.utc for run in found.shelf.runs}
    late = [one for one in found.missed if one.due.isoformat() > last.get(one.drill, "")]
    if not late:
        return None
    names = ", ".join(dict.fromkeys(one.drill for one in late))
    return f"due and not run since: {names}, the last on {late[-1].due:%Y-%m-%d}"


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
    """Where a finding stands closed or accepted by somebody who ran, or may have run, what found it."""
    said = [one for one in found.findings if one.last.by and one.last.what in {"closed", "accepted"}]
    if own := sorted(one.id for one in said if _is_own(found, one)):
        yield f"closed or accepted by whoever ran the drills: {', '.join(own)}"
    for one in said:
        for run, charter in _seen_in(found, one):
            if charter and executor(charter, accepted(said_of(found, run))).standing != "signed":
                name = f'nothing but a name says that "{charter.executor.name}", who ran what found it,'
                yield f"{name} is not who closed or accepted {one.id}"


def _is_own(found: Evidence, one: Found) -> bool:
    """By name, or by a key that is listed for that name."""
    charters = [found.charter, *(charter for _, charter in _seen_in(found, one))]
    names, keys = set[str](), set[str]()
    for charter in filter(None, charters):
        names |= {name.casefold() for name in _executors(charter)}
        keys |= {
            PublicKey(bytes.fromhex(role.public)).identity
            for role in charter.roles
            if role.public and role.name.casefold() in names
        }
    return (one.last.by or "").casefold() in names or one.last.key in keys


def _seen_in(found: Evidence, one: Found) -> Iterator[tuple[Run, Charter | None]]:
    """The runs that showed it, with what was agreed before them."""
    runs = filter(None, (found.shelf.run(turn.folder) for turn in one.turns if turn.folder))
    yield from ((run, charter_of(found, run)) for run in runs)


def _executors(charter: Charter) -> Iterator[str]:
    yield charter.executor.name
    yield from (role.name for role in charter.roles if role.role == "executor")
