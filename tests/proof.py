"""What the long proofs came to, as a page: docs/proof.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

FIGURES_MAX = 4


@dataclass(frozen=True, slots=True)
class Proof:
    """How one test ended (passed, failed or skipped), and what it said it found.

    `state` is that of all the files that it rests on, `commit` the last one then.
    """

    outcome: str
    commit: str
    state: str
    seconds: float
    said: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def told(nodes: Sequence[str], results: Mapping[str, Proof], states: Mapping[str, str]) -> str:
    """The whole page. Only what passed at the state of now is proven; the rest is told as what it is."""
    passed = sum(now(results.get(node), states[node]) == "passed" for node in nodes)
    head = (
        f"Written by `make campaign` from [proof.json](proof.json). {passed} of {len(nodes)} long proofs "
        "hold: they passed, and nothing that their tests can reach has changed since. Of this machine: "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}. The seeds "
        "are those in the tests; `make test` runs a sample of most; whole stories of minutes run here alone. "
        "*skipped* (what it needs is not on that machine) and *not run* prove nothing, and neither does what "
        "passed before such a change, at the commit that is named."
    )
    table = ["| proof | runs | passed | not | seconds | figures |", "|---|---|---|---|---|---|"]
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(node.partition("[")[0], []).append(node)
    rows = [
        _row(test, [(results.get(node), states[node]) for node in group]) for test, group in groups.items()
    ]
    return "\n".join(["# The long proofs", "", head, "", *table, *rows, ""])


def _row(test: str, held: list[tuple[Proof | None, str]]) -> str:
    runs = [run for run, _ in held]
    outcomes = [now(run, state) for run, state in held]
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


def now(run: Proof | None, state: str) -> str:
    """How the proof stands where what it rests on is in this state."""
    if run is None:
        return "not run"
    return run.outcome if run.state == state else f"{run.outcome} at `{run.commit}`"
