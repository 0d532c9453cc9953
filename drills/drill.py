"""A drill: ready > steady > inject > respond > stable > verify > heal.

It exercises the runbook that a real disaster will run, and never tells it that there is a drill. What
happened is the recorder's to say, and the verdict the judge's; nothing here measures anything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from uuid import uuid4

from drills import recording
from drills.agreement import agree
from drills.arrangement import arrange
from drills.bystanders import Bystanders, bystanders_of
from drills.calibration.calibrate import calibrated_instrument
from drills.calibration.record import file_of
from drills.ceiling import at_its_rate
from drills.clients import prepare
from drills.closing import Closed, close, close_unjudged, open_run
from drills.cut_limit import check_cut_limit
from drills.deadman import DeadMan
from drills.fault import Fault
from drills.faults import fault_of
from drills.guard import check_authority, check_health, only_drill
from drills.outcome import keep_not_run
from drills.outlasting import LEFT, Outlasting
from drills.preview import Preview, check_unchanged, declared, resolved
from drills.recording import RecorderError
from drills.rehearsal import Rehearsal, longest_seconds
from drills.response import Response
from drills.spared import check_caps, check_spared
from drills.third_parties import check_third_parties
from drills.undo import Undo, now
from drills.undoing import Undoing
from drills.window import Clocks, StartsLate, check_awake, check_punctual, check_window, record_window
from rto_rpo.evidence.agreed.charter import Agreed
from rto_rpo.evidence.keeping.run_folder import RunFolder
from sites.errors import BlackstartError
from sites.estate import Estate
from sites.versions import versions

Tell = Callable[[str], None]


class Interrupted(KeyboardInterrupt):
    """Somebody ended a drill, or would not wait for its failover. It is closed as any other."""

    def __init__(self, closed: Closed, said: str = "the drill was broken off, and undone") -> None:
        super().__init__(said)
        self.closed = closed


def run(
    estate: Estate,
    name: str,
    *,
    environment: str | None,
    confirm: str | None,
    tell: Tell = lambda _: None,
    seed: int | None = None,
    executor: str | None = None,
    due: datetime | None = None,
) -> Closed:
    """Run one drill from end to end and return what it left as evidence.

    `executor` is the name of who runs it; default: the account that we run as.
    `due` is when a scheduled run was to begin; None for one that is not scheduled.
    `tell` hears in a few words what has just happened; `seed` fixes the phase and the payloads.
    Raises GuardError when a guard refuses; nothing was changed then. Once the run is open it is closed,
    whatever happens: what broke the drill off is in its evidence, and the fault is undone. A failover that
    still runs then is waited for. Raises Interrupted where Ctrl-C ended the drill, or the waiting.
    """
    begun, drill = Clocks.now(), declared(estate, name)
    with only_drill(estate.state):
        try:
            check_punctual(drill, name, due)
        except StartsLate as late:
            keep_not_run(estate.plan, name, str(late))
            raise
        check_window(drill, name, longest_seconds(drill))
        check_cut_limit(estate, name)
        check_health(estate, name)
        fault = fault_of(estate, drill)
        seen = resolved(estate, name, fault)
        check_authority(estate, drill, seen, environment, confirm)
        check_spared(estate, drill, seen)
        check_caps(drill, seen)
        check_third_parties(estate, drill, name)
        bystanders = bystanders_of(estate, drill)
        bystanders.require_well()
        tell(f"Guards passed, {len(seen.targets)} targets resolved")
        agreed = agree(estate, drill, seen, executor)
        return _record(estate, name, fault, seen, agreed, bystanders, seed, tell, begun)


def _record(
    estate: Estate,
    name: str,
    fault: Fault,
    confirmed: Preview,
    agreed: Agreed,
    bystanders: Bystanders,
    seed: int | None,
    tell: Tell,
    begun: Clocks,
) -> Closed:
    plan, drill, run_id = estate.plan, declared(estate, name), str(uuid4())
    chosen = random.SystemRandom().getrandbits(32) if seed is None else seed
    folder = open_run(plan, run_id, name, agreed)
    try:  # whatever is done from here on is seen to have been begun
        prepare(estate, drill)
        calibration = calibrated_instrument(file_of(estate.state), tell)
        drill, ceiling = at_its_rate(estate, drill, chosen)
        seen = versions(estate)  # before the recorder starts: asking must not disturb what is measured
        told = arrange(
            estate, name, drill, run=run_id, seed=chosen, folder=folder.path, calibration=calibration
        )
        recorder = recording.start(told, held=folder.descriptor)
        recorder.event("versions", detail={"seen": [asdict(one) for one in seen]})
        if ceiling is not None:
            recorder.event("note", detail=ceiling.detail())
            tell(f"Rate: {ceiling.rate}, the most that is kept up with less a fifth ({ceiling.limited_by})")
        response = Response(estate, recorder, cold=drill.cold) if drill.respond == "runbook" else None
    except BaseException:
        close_unjudged(plan, folder)
        raise
    undo = _undo(estate, name, fault, run_id, confirmed)
    longest = time.monotonic() + longest_seconds(drill)

    def last_look() -> None:
        check_awake(drill, name, begun)
        record_window(recorder, drill, name, longest - time.monotonic())
        check_unchanged(estate, fault, confirmed)

    dead_man = DeadMan(estate.state, run_id, recorder.path, folder.path, longest_seconds(drill))
    rehearsal = Rehearsal(
        estate, name, drill, recorder, response, chosen, tell, dead_man, bystanders, last_look
    )
    return _performed(rehearsal, fault, undo, folder)


def _performed(rehearsal: Rehearsal, fault: Fault, undo: Undo, folder: RunFolder) -> Closed:
    """From the steady state on. A failover that still runs then is seen out, whatever else failed."""
    estate, tell = rehearsal.estate, rehearsal.tell
    outlasting = Outlasting(estate, rehearsal.response, tell)
    undoing = Undoing(estate, rehearsal.dead_man, tell)
    try:
        closed, broken_off = _closed(rehearsal, fault, undo, folder, outlasting)
    except Exception:
        outlasting.see_out(undoing, fault, undo)
        raise
    if not outlasting.see_out(undoing, fault, undo):
        raise Interrupted(closed, LEFT) from broken_off
    if isinstance(broken_off, KeyboardInterrupt):
        raise Interrupted(closed) from broken_off
    if broken_off is not None and not isinstance(broken_off, BlackstartError):
        raise broken_off
    return closed


def _closed(
    rehearsal: Rehearsal, fault: Fault, undo: Undo, folder: RunFolder, outlasting: Outlasting
) -> tuple[Closed, BaseException | None]:
    """The run, and what broke the drill off."""
    try:
        with rehearsal.dead_man:
            broken_off = rehearsal.perform(fault, undo)
            outlasting.say()  # its dead-man waits for it too, before the run can be closed
    except RecorderError as error:
        # the recorder may still be writing: whoever opens the next run, or recovers, closes this one
        raise BlackstartError(
            f"run {undo.run} has no verdict yet: {error}", hint="`blackstart recover` closes it"
        ) from error
    return close(rehearsal.estate.plan, folder), broken_off


def _undo(estate: Estate, name: str, fault: Fault, run: str, confirmed: Preview) -> Undo:
    plan = estate.plan
    return Undo(
        run=run,
        drill=name,
        utc=now(),
        fault=declared(estate, name).fault.model_dump(mode="json"),
        undo=fault.undo(),
        targets=[target.name for target in confirmed.targets if target.kind == "process"],
        plan_path=str(plan.path),
        plan_text=plan.raw.decode("utf-8"),
        variables=dict(plan.variables),
    )
