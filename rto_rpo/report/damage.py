"""What was broken in a run, in words, and in so far as it was proven."""

from __future__ import annotations

from rto_rpo.report.model import Report

_FAULTS = {
    "kill_site": "every process of site {site} was killed at once",
    "kill_service": "process {process} of site {site} was killed",
    "stop_service": "process {process} of site {site} was asked to end",
    "pause_site": "every process of site {site} was made to stand still",
    "partition": "the packets of site {site} were dropped, {direction}",
    "slow_network": "the network of site {site} was slowed down",
    "fill_disk": "the volume of process {process} of site {site} was filled up, at {path}",
    "lose_volume": "what process {process} of site {site} keeps at {path} was lost, the process with it",
    "dr_not_ready": "the standby of {dataset} failed first, and then every process of site {site} was killed",
    "kill_orchestrator": "every process of site {site} was killed, and then the drill's own orchestrator",
    "second_fault_during_recovery": (
        "every process of site {site} was killed, and during the recovery another fault struck"
    ),
    "lose_newest_snapshot": "the newest snapshot of {dataset} was lost from repository {repository}",
    "lock_repository": "repository {repository} was locked by somebody who never came back",
    "wrong_key": "no key of repository {repository} opened it any more",
    "corrupt_repository": "packs of repository {repository} were corrupted",
    "freeze_replica": "the standby of {dataset} was cut off from its primary's changes",
    "damage_that_replicates": "{dataset} was damaged through the front door ({damage}), its copy with it",
    "shell": "the damage {name} was done to site {site}",
    "none": "nothing was broken on purpose",
}
_DIRECTIONS = {"both": "both ways", "inbound": "what came in", "outbound": "what went out"}
_QUOTED = "\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}"


def kind(report: Report) -> str:
    """Which fault it was, or was to be."""
    return str(report.drill.fault.get("kind", "none"))


def fault(report: Report) -> str:
    """What was to be broken."""
    content = {name: value for name, value in report.drill.fault.items() if name != "kind"}
    quoted = {name: _QUOTED.format(value) for name, value in content.items()}
    quoted |= {"direction": _DIRECTIONS.get(str(content.get("direction")), quoted.get("direction", ""))}
    try:
        return _FAULTS[kind(report)].format(**quoted)
    except KeyError:
        detail = ", ".join(f"{name} {value}" for name, value in sorted(content.items()))
        return f"the fault {_name(report)} was injected" + (f" ({detail})" if detail else "")


def done(report: Report) -> str:
    """What was broken, in so far as that was proven."""
    if kind(report) == "none" or report.instrument.fault_effective:
        return fault(report)
    if report.instrument.fault_effective is None:
        return f"the fault {_name(report)} was injected, and nothing proved that it took effect"
    return f"the fault {_name(report)} was injected and did not take effect"


def planned(report: Report) -> str:
    """The fault of the scenario, and whether it came to be."""
    if report.timeline.fault_begin_at_seconds is None and kind(report) != "none":
        return f"The fault that was planned ({_name(report)}) was never injected."
    return f"The fault: {done(report)}."


def _name(report: Report) -> str:
    return kind(report).replace("_", " ")
