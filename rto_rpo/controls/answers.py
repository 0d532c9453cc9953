"""What can be looked for in the evidence to answer a clause: by name, with the field that answers."""

from __future__ import annotations

from collections.abc import Callable

from rto_rpo.answering import DECLARED
from rto_rpo.controls import from_drills as drills
from rto_rpo.controls import from_people as people
from rto_rpo.controls import from_programme as programme
from rto_rpo.controls import from_records as records
from rto_rpo.controls.answer import Answer, Evidence
from rto_rpo.controls.from_keeping import kept

CHECK = "check:"
_KEPT = "what is missing, the age of what was pruned, how long all plans keep evidence, and the oldest run"
ANSWERS: dict[str, tuple[str, Callable[[Evidence], Answer]]] = {
    "tested-yearly": ("day, fault and verdict of the newest conclusive drill", programme.tested_yearly),
    "programme": (
        "the schedules of the drills, and what each run of the year came to",
        programme.programme,
    ),
    "promises": ("judgements of the newest run of each drill and fault, and the worst", programme.promises),
    "switchover": ("whether clients were redirected, and the verdict", drills.switchover),
    "attack": ("the kind of fault, and the verdict", drills.attack),
    "restored": ("what is told to be restored and complete, and the verdict", drills.restored),
    "backed-up": (
        "which backups the frozen plan declares, and that each dataset was restored",
        drills.backed_up,
    ),
    "apart": ("which repositories the plan declares to be copies at another site", drills.apart),
    "checked": (
        "checks by a gate of the user's own, the RPO judgements, and that every write was read back",
        drills.checked,
    ),
    "restored-checked": (
        "what was restored and the checks of a gate of the user's own, of one run, and its verdict",
        drills.restored_and_checked,
    ),
    "orders-known": (
        "whether the gate said so, and that no second writer and no check of the gate speaks against it",
        drills.orders_known,
    ),
    "activated": ("whether the loss was detected and the failover decided", drills.activated),
    "ended": ("how the recorder ended", drills.ended),
    "criteria-frozen": ("the hash of the criteria, frozen before the fault", records.frozen),
    "scenario": ("the scenario of every run of the year", records.scenario),
    "recorded": ("the report of every drill, by its hash in the chain", records.recorded),
    "followed": (
        "each finding's owner, day and state, who signed (not who ran the drills), and overdue drills",
        records.followed,
    ),
    "approved": (
        "approvals of what was run, within a year before, by the approver's key and not the executor's",
        people.approved,
    ),
    "signed-off": (
        "sign-offs of the newest drill, each by the key listed under roles",
        people.signed_off,
    ),
    "took-part": (
        "presence, of everybody whom the run's charter lists, each signed by that person's own key",
        people.took_part,
    ),
    "kept-5-years": (_KEPT, kept(5)),
    "kept-6-years": (_KEPT, kept(6)),
}


def field_of(name: str) -> str:
    """Which field of the evidence answers."""
    if not name.startswith(CHECK):
        return ANSWERS[name][0]
    word = name.removeprefix(CHECK)
    return f'the check that is declared to answer "{word}"' if word in DECLARED else f'the check "{word}"'


def answer(name: str, found: Evidence) -> Answer:
    """Look for it. Evidence whose chain does not hold meets nothing, whatever else it shows."""
    if name not in found.given:
        found.given[name] = _answer(name, found)
    return found.given[name]


def _answer(name: str, found: Evidence) -> Answer:
    looked = drills.check_named(name.removeprefix(CHECK)) if name.startswith(CHECK) else ANSWERS[name][1]
    told = looked(found)
    if told.state == "met" and found.shelf.problems:
        why = f"{told.reason}; but the chain does not hold: {found.shelf.problems[0]}"
        return Answer("inconclusive", why, told.runs)
    return told
