"""From what a plan declares to what the recorder is told: streams, objectives, lengths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drills.calibration.record import Calibration, calibrated
from drills.clients import Addressed, clients_of, marked_at, primary_site
from drills.recorder.config import RecorderConfig, StreamConfig
from rto_rpo import JUDGE
from rto_rpo.evidence.agreed.charter import Criteria, Objective
from rto_rpo.ledger.records import Role
from rto_rpo.objective import Duration
from sites.drivers.http.probe import HttpControl
from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import ConnectedCanary, Drill, Marks, Rate

# The old primary's own address is written to all along, sparsely: it is there to be caught, not to load.
OLD_PRIMARY_INTERVAL_NS = 100_000_000
# No name in a plan has capitals, so none can be taken for these.
STREAM_OLD_PRIMARY = "OLD-PRIMARY"
STREAM_CONTROL = "CONTROL"
CONTROL_INTERVAL_NS = 100_000_000


def arrange(
    estate: Estate,
    name: str,
    drill: Drill,
    *,
    run: str,
    seed: int,
    folder: Path,
    calibration: Calibration | None,
) -> RecorderConfig:
    """What the recorder of one run needs to know. Raises PlanError when the canary has no address."""
    return RecorderConfig(
        folder=folder,
        header=_header(estate, name, drill, run) | calibrated(calibration),
        streams=tuple(_streams(estate, drill)),
        late_ns=drill.late.ns if drill.late is not None else None,
        stable_ns=drill.stable.ns,
        deadline_ns=drill.deadline.ns,
        seed=seed,
    )


def criteria(estate: Estate, drill: Drill) -> Criteria:
    """What counts as success, as it goes into the charter before the run and into the ledger's header."""
    judged, not_tested = _objectives(estate, drill)
    return Criteria(
        judged=[Objective(**each) for each in judged],
        not_tested=[Objective(**each) for each in not_tested],
        late_seconds=drill.late.seconds if drill.late is not None else None,
        stable_seconds=drill.stable.seconds,
        deadline_seconds=drill.deadline.seconds,
    )


def _header(estate: Estate, name: str, drill: Drill, run: str) -> dict[str, Any]:
    plan = estate.plan
    judged, not_tested = _objectives(estate, drill)
    runbook = drill.respond == "runbook"
    return {
        "judge": JUDGE,
        "run": run,
        "plan": {"name": plan.name, "sha256": plan.sha256, "variables": dict(plan.variables)},
        "drill": {
            "name": name,
            "kind": "live",
            "environment": plan.environment,
            "fault": drill.fault.model_dump(mode="json"),
            "respond": drill.respond,
            "gate": runbook and any(service.gate is not None for service in plan.services.values()),
            **({"revive": True} if drill.revive_old_primary else {}),
            **({"cold": True} if drill.cold else {}),
        },
        "judged": judged,
        "not_tested": not_tested,
    }


def _objectives(estate: Estate, drill: Drill) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    measured = {(drill.canary.service, "rto"): drill.canary.dataset}
    measured |= {(dataset, "rpo"): dataset for dataset in drill.measured_datasets}
    judged: list[dict[str, Any]] = []
    not_tested: list[dict[str, Any]] = []
    for (subject, objective), length in estate.plan.objectives(cold=drill.cold).items():
        is_judged = objective in drill.judge.get(subject, ())
        stream = measured.get((subject, objective)) if is_judged else None
        entry = _objective(subject, objective, length, stream)
        (judged if is_judged else not_tested).append(entry)
    return judged, not_tested


def _objective(subject: str, objective: str, length: Duration, stream: str | None) -> dict[str, Any]:
    return {"subject": subject, "objective": objective, "seconds": length.seconds, "stream": stream}


def _streams(estate: Estate, drill: Drill) -> Iterator[StreamConfig]:
    who, interval_ns = clients_of(estate, drill), _interval_ns(drill)
    clients = _stream(drill, drill.canary.dataset, "clients", who.clients, interval_ns)
    restored = drill.respond == "runbook" and _comes_from_backup(estate, drill)
    yield clients.model_copy(update={"delete_one_in": drill.canary.delete_one_in, "restored": restored})
    if who.old_primary is not None:
        often = old_primary_interval_ns(drill)
        old = _stream(drill, STREAM_OLD_PRIMARY, "old_primary", who.old_primary, often)
        yield old.model_copy(update={"site": primary_site(estate, drill)})
    for marks in drill.marks:
        yield _marks(estate, marks)
    if drill.control is not None:
        yield _control(drill, drill.control)


def _comes_from_backup(estate: Estate, drill: Drill) -> bool:
    """Whether what the canary reads in the end was restored, and not replicated."""
    dataset = estate.plan.datasets[drill.canary.dataset]
    return drill.cold or dataset.kind != "postgres" or dataset.standby is None


def old_primary_interval_ns(drill: Drill) -> int:
    """How often the old primary's own address is written to. Raises PlanError for a rate not yet found."""
    return max(_interval_ns(drill), OLD_PRIMARY_INTERVAL_NS)


def _interval_ns(drill: Drill) -> int:
    if not isinstance(
        drill.canary.rate, Rate
    ):  # whoever runs a drill replaces it first: see drills/ceiling.py
        raise PlanError(f"rate {drill.canary.rate!r} is no rate yet; it has to be found first")
    return drill.canary.rate.interval_ns


def _stream(drill: Drill, name: str, role: Role, addressed: Addressed, interval_ns: int) -> StreamConfig:
    canary = drill.canary
    return StreamConfig(
        name=name,
        role=role,
        address=addressed.address,
        dataset=canary.dataset,
        service=canary.service,
        interval_ns=interval_ns,
        limit_ns=canary.limit.ns,
        client=addressed.client,
        clients=canary.clients if isinstance(canary, ConnectedCanary) else 1,
        payload_bytes=canary.payload,
    )


def _marks(estate: Estate, marks: Marks) -> StreamConfig:
    marked, address = marked_at(estate, marks)
    return StreamConfig(
        name=marks.dataset,
        role="marks",
        address=address,
        dataset=marks.dataset,
        interval_ns=marks.rate.interval_ns,
        limit_ns=marks.limit.ns,
        client=marked,
        payload_bytes=marks.payload,
    )


def _control(drill: Drill, url: str) -> StreamConfig:
    return StreamConfig(
        name=STREAM_CONTROL,
        role="control",
        address=url,
        interval_ns=CONTROL_INTERVAL_NS,
        limit_ns=drill.canary.limit.ns,
        client=HttpControl(url),
    )
