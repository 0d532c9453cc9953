"""demo: the main job on this machine, with an example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.options import Json

DEFAULT_STATE = Path(".blackstart")


def demo(
    evidence: Annotated[
        Path, typer.Option("--evidence", metavar="FOLDER", help="Where the evidence goes.")
    ] = Path("evidence"),
    json: Json = False,
) -> None:
    """Build a trading desk at two sites, protect it, kill its primary site, and judge the recovery."""
    from flows.answer import answer
    from flows.console import Console
    from flows.demo import demonstrate
    from flows.results import closed_lines

    done = demonstrate(evidence, DEFAULT_STATE, Console(timed=True))
    lines = ["", *closed_lines(done.folder, done.report, done.head)]
    data = {
        "folder": done.folder,
        "verdict": done.report["verdict"],
        "head": done.head,
        "report": done.report,
    }
    answer(lines, data, as_json=json)
    raise typer.Exit(done.exit_code)
