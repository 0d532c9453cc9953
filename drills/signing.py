"""Approvals, sign-offs and findings: the records that have to fit what they are about."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

from drills.preview import preview
from drills.records import Added, Speaker, add, instant, made, require_own, run_of
from rto_rpo.dossier.findings import register
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.agreed.not_run import overdue
from rto_rpo.evidence.lines.history import entries_of, records, run_records
from rto_rpo.evidence.lines.record import AnyEntry, Finding, Severity
from sites.errors import BlackstartError, GuardError
from sites.estate import Estate
from sites.plan import Plan

Decision = Literal["accepted", "refused"]
Act = Literal["open", "close", "reopen", "accept"]
_DERIVED = re.compile(r"F-[0-9a-f]{8}")  # as the register names what follows from runs
_STATES = {"close": "closed", "reopen": "opened", "accept": "accepted"}


def approve(
    plan: Plan,
    drill: str,
    confirm: str | None,
    who: Speaker,
    decision: Decision,
    text: str,
    *,
    ticket: str | None,
    until: str | None,
) -> Added:
    """Approve (or refuse) a drill for what its preview shows now. Raises BlackstartError."""
    seen = preview(Estate(plan), drill).confirm
    if confirm != seen:
        raise GuardError(
            f'cannot approve drill "{drill}": the hash of its targets is {seen}, '
            + (f'"{confirm}" was given' if confirm else "none was given"),
            hint=f"look at `blackstart drill {drill} --preview`, then --confirm {seen}",
        )
    entry = made(
        "approval",
        who,
        text=text,
        decision=decision,
        confirm=seen,
        ticket=ticket,
        until=instant(until) if until else None,
    )
    return add(plan, entry, who, drill=drill)


def sign_off(plan: Plan, named: str, who: Speaker, decision: Decision, text: str) -> tuple[str, Added]:
    """Sign off a run that is closed. Returns its folder's name. Raises BlackstartError."""
    record = run_of(plan, named)
    if record.closed_sha256 is None:
        raise BlackstartError(
            f"cannot sign off {record.opened.folder}: it is not closed", hint="`blackstart recover` closes it"
        )
    entry = made("sign_off", who, text=text, decision=decision, closed=record.closed_sha256)
    return record.opened.folder, add(plan, entry, who, run=record)


def finding_entry(
    plan: Plan,
    act: Act,
    finding_id: str,
    who: Speaker,
    *,
    text: str,
    severity: Severity,
    owner: str | None,
    due: str | None,
    retest: str | None,
) -> AnyEntry:
    """The record that enters or changes a finding. Raises GuardError where it makes no sense."""
    if act == "open":
        tested = _retest(plan, retest) if retest else None
        more = {"severity": severity, "owner": owner, "due": due, "retest": tested}
        return made("finding", who, id=finding_id, text=text, **more)
    if act == "accept" and not (text and due):
        raise GuardError(
            f'cannot accept the risk of finding "{finding_id}": a reason and a day are needed',
            hint="--text TEXT --due YYYY-MM-DD",
        )
    until = due if act == "accept" else None
    return made("finding_state", who, id=finding_id, text=text, state=_STATES[act], until=until)


def enter_finding(plan: Plan, entry: AnyEntry, who: Speaker, named: str | None) -> Added:
    """Raises BlackstartError, also where the finding is one of another plan in the folder."""
    for owner in _owners(plan, getattr(entry, "id", "")):
        require_own(plan, f'finding "{getattr(entry, "id", "")}"', owner)
    return add(plan, entry, who, run=run_of(plan, named) if named else None)


def _owners(plan: Plan, finding: str) -> list[str]:
    """Of which plan a finding is: of that of whom entered it, or of the drill that it follows from."""
    root = plan.evidence.path
    entries = entries_of(root)
    entered = [
        one.plan for one in records(entries) if isinstance(one.entry, Finding) and one.entry.id == finding
    ]
    if entered or not _DERIVED.fullmatch(finding):
        return entered[:1]
    missed = overdue(root, run_records(entries), datetime.now(UTC)).not_run
    return [one.plan for one in register(read_shelf(root), missed) if one.id == finding]


def _retest(plan: Plan, written: str) -> dict[str, str]:
    drill, *rest = written.split(":")
    if drill not in {**plan.drills, **plan.tabletops}:
        raise GuardError(f'no drill is named "{drill}"', hint=f"declared: {', '.join(plan.drills) or 'none'}")
    if not rest:
        return {"drill": drill}
    if len(rest) != 2 or rest[1] not in ("rto", "rpo"):
        raise GuardError(
            f'"{written}" names no objective', hint="write DRILL:SUBJECT:rto or DRILL:SUBJECT:rpo"
        )
    return {"drill": drill, "subject": rest[0], "objective": rest[1]}
