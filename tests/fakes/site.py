"""A site that exists only in memory, for tests of what is done *with* sites.

It keeps the same contract as the real ones: see tests/contract. What it adds is a way to go wrong on purpose.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection

from sites.capability import Proof, Target
from sites.errors import SiteDown, SiteError

_numbers = itertools.count(100_000)


class FakeSite:
    """Running and Killable. `immortal` names processes that even SIGKILL leaves alive."""

    def __init__(
        self,
        name: str,
        autostart: tuple[str, ...] = (),
        others: tuple[str, ...] = (),
        *,
        immortal: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._autostart = autostart
        self._declared = autostart + others
        self._immortal = frozenset(immortal)
        self._running: dict[str, int] = {}
        self._up = False
        self._ever_up = False
        self.calls: list[str] = []

    def up(self, *, only: Collection[str] | None = None) -> None:
        self.calls.append("up")
        self._up = self._ever_up = True
        for process in self._declared:
            if process in (self._autostart if only is None else only):
                self._begin(process)

    def down(self) -> None:
        self.calls.append("down")
        self._up = False
        self._running.clear()

    def start(self, process: str) -> None:
        self.calls.append(f"start {process}")
        if process not in self._declared:
            raise SiteError(
                f'site "{self.name}" has no process "{process}"; it has: {", ".join(self._declared)}'
            )
        if not self._up:
            raise SiteDown(f'cannot start process "{process}": site "{self.name}" is not up')
        self._begin(process)

    def stop(self, process: str) -> None:
        self.calls.append(f"stop {process}")
        self._running.pop(process, None)

    def running(self) -> dict[str, int]:
        return dict(self._running)

    def targets(self) -> list[Target]:
        if not self._up:
            return []
        named = [Target(self.name, "process", name, {"pid": pid}) for name, pid in self._running.items()]
        return [Target(self.name, "site", self.name), *named]

    def kill(self) -> Proof:
        self.calls.append("kill")
        self._running = {name: pid for name, pid in self._running.items() if name in self._immortal}
        self._up = bool(self._running)
        return self.proven_gone()

    def proven_gone(self) -> Proof:
        if not self._ever_up:
            return Proof(
                False, f'site "{self.name}" left no record of ever having been up: nothing can be proven'
            )
        if self._up:
            return Proof(
                False, f"{len(self._running)} of its processes are alive", {"left": dict(self._running)}
            )
        return Proof(True, "nothing of it is left in memory")

    def _begin(self, process: str) -> None:
        self._running.setdefault(process, next(_numbers))
