"""What the long proofs came to, as a page: docs/proof.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

FIGURES_MAX = 4


@dataclass(frozen=True, slots=True)
class Proof:
    """How one test ended (passed, failed or skipped) at a state of the code, and what it said it found."""

    outcome: str
    commit: str
    seconds: float
    said: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def told(nodes: Sequence[str], results: Mapping[str, Proof], commit: str) -> str:
    """The whole page. Only what passed at this commit counts as proven; the rest is told as what it is."""
    passed = sum(_now(results.get(node), commit) == "passed" for node in nodes)
    head = (
        f"Written by `make campaign` from [proof.json](proof.json). At commit `{commit}` {passed} of "
        f"{len(nodes)} long proofs have passed; {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Linux {platform.release()}. The seeds are those in the tests; `make test` runs a sample of each. "
        "*skipped* (what it needs is not on that machine) and *not run* prove nothing, and neither does "
        "what passed at an older commit, which is named."
    )
    table = ["| proof | runs | passed | not | seconds | figures |", "|---|---|---|---|---|---|"]
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(node.partition("[")[0], []).append(node)
    rows = [_row(test, [results.get(node) for node in group], commit) for test, group in groups.items()]
    return "\n".join(["# The long proofs", "", head, "", *table, *rows, ""])


def _row(test: str, runs: list[Proof | None], commit: str) -> str:
    outcomes = [_now(run, commit) for run in runs]
    others = [f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes) if each != "passed"]
    seconds = sum(run.seconds for run in runs if run is not None)
    said = list(dict.fromkeys(line for run in runs if run is not None for line in run.said))
    more = [f"and {len(said) - FIGURES_MAX} more"] if len(said) > FIGURES_MAX else []
    figures = "; ".join([*said[:FIGURES_MAX], *more]).replace("|", "\\|") or "-"
    columns = (
        f"`{test}`",
        len(runs),
        outcomes.count("passed"),
        "; ".join(others) or "-",
        f"{seconds:.0f}",
        figures,
    )
    return f"| {' | '.join(map(str, columns))} |"


def _now(run: Proof | None, commit: str) -> str:
    if run is None:
        return "not run"
    return run.outcome if run.commit == commit else f"{run.outcome} at `{run.commit}`"
