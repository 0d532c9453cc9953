"""How tests are shared out among workers: a file to one of them whole, and all real drills to the same one.

xdist's own groups would say it by a marker, and are passed over in silence where its release and pytest's do
not fit; so who ran what is looked at in the end.
"""

from __future__ import annotations

from collections import defaultdict

from xdist.scheduler import LoadScopeScheduling

# Two drills at once would measure each other; a server of Prefect takes ten seconds to begin.
TOGETHER = {
    "drills": ("tests/e2e/", "tests/flows/demo/test_demo.py"),
    "prefect": (
        "tests/flows/test_approval.py",
        "tests/flows/test_flows.py",
        "tests/flows/server/test_local_server.py",
    ),
}


def unit_of(nodeid: str) -> str:
    """What is run by one worker, one after the other."""
    file = nodeid.partition("::")[0]
    return next((unit for unit, places in TOGETHER.items() if file.startswith(places)), file)


class ByUnit(LoadScopeScheduling):
    """In the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


class Ran:
    """Which workers ran a unit."""

    def __init__(self) -> None:
        self._workers: dict[str, set[str]] = defaultdict(set)

    def add(self, nodeid: str, worker: str) -> None:
        self._workers[unit_of(nodeid)].add(worker)

    def torn(self) -> list[str]:
        """The units that more than one worker ran."""
        return sorted(unit for unit, workers in self._workers.items() if len(workers) > 1)
