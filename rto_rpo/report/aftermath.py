"""What is left when a drill is over, in plain words: the damage, who serves, and whether it gave up."""

from __future__ import annotations

from rto_rpo.answering import FAILBACK, GIVE_UP
from rto_rpo.report.answers import Shown, shown
from rto_rpo.report.model import Report


def damage(report: Report) -> str:
    """What became of the damage: by the ledger, and by what its undo said where the ledger could not hear."""
    told = [str(event.detail.get("how") or "") for event in report.timeline.events if event.name in _UNDOING]
    said = [how for how in told[-1:] if how] + [one.told() for one in report.undone]
    return "; then ".join(said) or "nothing says that it was undone"


def moved_back(report: Report) -> str:
    """Whether the drill brought the service back to where it serves in normal times."""
    check = _check(report, FAILBACK)
    if check is None:
        return "not run: nothing moved back in this drill"
    return f"{'yes' if check.verdict == 'met' else f'no ({check.verdict})'}: {check.reason}"


def gave_up(report: Report) -> str:
    """That nothing served in time, and what the drill did then; empty where it did not give up."""
    check = _check(report, GIVE_UP)
    return check.reason if check is not None else ""


def headline(report: Report) -> str:
    """Plan and drill, and that it gave up, where it did: the first line of every report."""
    line = f"{report.plan.name}, drill {report.drill.name}"
    said = gave_up(report)
    return f"{line}: {said}" if said else line


def _check(report: Report, name: str) -> Shown | None:
    found = [check for check in shown(report) if name in check.answers]
    return found[-1] if found else None


_UNDOING = {"healed", "undo"}
