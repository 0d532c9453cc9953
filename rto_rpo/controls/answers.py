"""What can be looked for in the evidence to answer a clause: by name, with the field that answers."""

from __future__ import annotations

from collections.abc import Callable

from rto_rpo.controls import from_drills as drills
from rto_rpo.controls import from_records as records
from rto_rpo.controls.answer import Answer, Evidence

CHECK = "check:"
ANSWERS: dict[str, tuple[str, Callable[[Evidence], Answer]]] = {
    "tested-yearly": ("day, fault and verdict of the newest conclusive drill", drills.tested_yearly),
    "programme": ("drills.*.schedule against the runs of the chain", drills.programme),
    "promises": ("judgements of the newest run of each objective", drills.promises),
    "switchover": ("event redirected, and the verdict", drills.switchover),
    "attack": ("drill.fault.kind and the verdict", drills.attack),
    "restored": ("events restored, and the verdict", drills.restored),
    "backed-up": ("datasets.*.backup of the frozen plan", drills.backed_up),
    "apart": ("repositories.*.copy_of and sites.*.fault_domain", drills.apart),
    "checked": (
        "checks by a gate of the user's own, and the RPO judgements after everything was read back",
        drills.checked,
    ),
    "restored-checked": (
        "events restored and the checks of a gate of the user's own, of one run, and its verdict",
        drills.restored_and_checked,
    ),
    "orders-known": ("safe.reached", drills.orders_known),
    "activated": ("events detected and decided", drills.activated),
    "ended": ("ledger.ended", drills.ended),
    "criteria-frozen": ("charter.criteria_sha256", records.frozen),
    "scenario": ("charter.scenario", records.scenario),
    "recorded": ("report.json of every run, by its hash in the chain", records.recorded),
    "followed": ("findings: owner, due, state, and who signed them", records.followed),
    "approved": (
        "approvals of charter.confirm, by the approver's key and not the executor's",
        records.approved,
    ),
    "signed-off": ("sign-offs of the newest run, each by the key listed under roles", records.signed_off),
    "took-part": (
        "presence, of everybody whom the run's charter lists, signed by somebody listed there",
        records.took_part,
    ),
    "kept-5-years": ("evidence.retention, and how old each run was that was pruned", records.kept(5)),
    "kept-6-years": ("evidence.retention, and how old each run was that was pruned", records.kept(6)),
}


def field_of(name: str) -> str:
    """Which field of the evidence answers."""
    return f"checks: {name.removeprefix(CHECK)}" if name.startswith(CHECK) else ANSWERS[name][0]


def answer(name: str, found: Evidence) -> Answer:
    """Look for it."""
    if name.startswith(CHECK):
        return drills.check_named(name.removeprefix(CHECK))(found)
    return ANSWERS[name][1](found)
