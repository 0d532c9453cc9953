"""demo: the main job on this machine, with an example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.options import Json

DEFAULT_STATE = Path(".blackstart")


def demo(
    evidence: Annotated[
        Path | None,
        typer.Option(
            "--evidence",
            metavar="FOLDER",
            help="Where the evidence goes; evidence, or evidence-containers with --containers.",
        ),
    ] = None,
    containers: Annotated[
        bool, typer.Option("--containers", help="With two sites of containers; needs a Docker daemon.")
    ] = False,
    json: Json = False,
) -> None:
    """Build a trading desk at two sites, protect it, kill its primary site, and judge the recovery."""
    from flows.demo.demo import demonstrate
    from flows.evidence.results import closed_lines
    from flows.terminal.answer import answer
    from flows.terminal.console import Console

    folder = evidence or Path("evidence-containers" if containers else "evidence")
    done = demonstrate(folder, DEFAULT_STATE, Console(timed=True), containers=containers)
    lines = ["", *closed_lines(done.folder, done.report, done.head)]
    data = {
        "folder": done.folder,
        "verdict": done.report["verdict"],
        "head": done.head,
        "report": done.report,
    }
    answer(lines, data, as_json=json)
    raise typer.Exit(done.exit_code)
