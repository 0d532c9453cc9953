"""The main job, end to end, on this machine: two sites, the nightly round, a drill that kills the primary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drills.closing import EXIT_CODES
from drills.preview import preview
from flows.demo.following import Follower
from flows.demo.stage import stage
from flows.evidence.report import read
from flows.terminal.console import Console
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.names import REPORT_NAME
from sites.errors import BlackstartError

DESK = "trading-desk"
DRILL = "kill-primary"
_STATES_TOLD = ("Running", "Completed", "Failed", "Crashed", "Cancelled", "Inconclusive")


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """What is left: the run's folder in the evidence, its report, and the head of the chain."""

    folder: Path
    report: dict[str, Any]
    head: str

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.report["verdict"]]


def demonstrate(evidence: Path, state: Path, console: Console, *, containers: bool = False) -> Demonstrated:
    """Run the whole demo. `evidence` is added to; `state` is kept from one demo to the next.

    With `containers` both sites are made of those: on the Docker daemon that DOCKER_HOST names, or here.

    Raises a BlackstartError when a step before the verdict fails. Leaves nothing running, whatever happens.
    """
    console.step("Building two sites with PostgreSQL, and a Prefect server beside them")
    with stage(evidence, state, console, "container_desk" if containers else "desk") as stood:
        from flows.server import requesting

        def tell(run: str, flow_state: str) -> None:
            if flow_state in _STATES_TOLD:
                say = console.step if flow_state == "Running" else console.passed
                (say if flow_state in ("Running", "Completed") else console.error)(
                    f"{run}: {flow_state.lower()}"
                )

        console.step("Running the nightly round: backup, replication, restore test")
        nightly = requesting.run(f"nightly/{DESK}", {}, tell)
        if not nightly.completed:
            raise BlackstartError(f"the nightly round failed: {nightly.message}")
        confirm = preview(stood.estate, DRILL).confirm
        console.step(f"Drilling {DRILL}: the primary site is lost at a random moment")
        follower = Follower(evidence, console.passed)
        drill = requesting.run(f"drill/{DRILL}", {"confirm": confirm}, tell, follower.look)
        folder, head = follower.run, chain.head(evidence)
        if folder is None or head is None or not (folder / REPORT_NAME).exists():
            raise BlackstartError(
                f"the drill came to no verdict: {drill.message}", hint=stood.server.log("worker-outside")
            )
        return Demonstrated(folder, read(folder), head)
