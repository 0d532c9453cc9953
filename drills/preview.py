"""What a drill would do, resolved against the world and changing nothing; and the hash that confirms it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from drills.at_stake import nouns_at_stake
from drills.fault import Fault
from drills.faults import fault_of
from sites.capability import Target
from sites.errors import GuardError
from sites.estate import Estate
from sites.plan import Drill
from sites.recovery.own_steps import runbook_of
from sites.recovery.runbook import in_order


@dataclass(frozen=True, slots=True)
class Preview:
    """`targets` are what the fault hits, `steps` the operator's lines of the runbook in order.

    `confirm` is the hash over what is at stake: plan, environment, drill, fault, targets by name, and where
    those names lead. It stays the same as long as all that does, so that a schedule can carry it.
    """

    drill: str
    environment: str
    targets: tuple[Target, ...]
    steps: tuple[str, ...]
    expected: str
    undo: str
    confirm: str


def declared(estate: Estate, name: str) -> Drill:
    """The drill of that name. Raises GuardError, naming those that there are."""
    drills = estate.plan.drills
    if name not in drills:
        raise GuardError(f'no drill is named "{name}"', hint=f"declared: {', '.join(drills) or 'none'}")
    return drills[name]


def preview(estate: Estate, name: str) -> Preview:
    """Resolve a drill's targets. Raises GuardError when there are none to hit."""
    drill = declared(estate, name)
    fault = fault_of(estate, drill)
    steps: tuple[str, ...] = ()
    if drill.respond == "runbook":
        steps = tuple(step.says for step in in_order(runbook_of(estate, lambda *_: None, cold=drill.cold)))
    return resolved(estate, name, fault, steps)


def check_unchanged(estate: Estate, fault: Fault, confirmed: Preview) -> None:
    """That a fault would still hit what was confirmed, and that alone. Raises GuardError."""
    now = resolved(estate, confirmed.drill, fault)
    if now.confirm != confirmed.confirm:
        before, after = _in_words(confirmed), _in_words(now)
        came, went = sorted(after - before), sorted(before - after)
        words = [*(f"{one} came" for one in came), *(f"{one} went" for one in went)]
        raise GuardError(
            f'drill "{confirmed.drill}" would not hit what was confirmed any more: {", ".join(words)}',
            hint=f"look at `blackstart drill {confirmed.drill} --preview` again",
        )


def _in_words(preview: Preview) -> set[str]:
    return {f'{target.kind} "{target.name}" at site "{target.site}"' for target in preview.targets}


def _told(target: Target) -> list[str]:
    """The daemon of a container too: which that is may be the environment's to say."""
    daemon = target.detail.get("daemon")
    return [target.site, target.kind, target.name, *([str(daemon)] if daemon is not None else [])]


def resolved(estate: Estate, name: str, fault: Fault, steps: tuple[str, ...] = ()) -> Preview:
    targets = tuple(fault.ready())
    environment = estate.plan.environment
    drill = declared(estate, name)
    at_stake: dict[str, object] = {
        "plan": estate.plan.name,
        "environment": environment,
        "drill": name,
        "fault": drill.fault.model_dump(mode="json"),
        "targets": sorted(_told(target) for target in targets),
        "nouns": nouns_at_stake(estate, drill, {target.site for target in targets}),
    }
    expected = fault.expected()
    if drill.revive_old_primary:
        at_stake["revive_old_primary"] = True
        expected += "; when the service is stable the old primary comes back, and must take no write"
    if drill.after == "fail_back":
        at_stake["after"] = drill.after
        expected += "; in the end the service is brought back"
    confirm = sha256(json.dumps(at_stake, sort_keys=True).encode()).hexdigest()[:16]
    return Preview(name, environment, targets, steps, expected, fault.undo(), confirm)
