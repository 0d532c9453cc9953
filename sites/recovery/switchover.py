"""The planned switchover, as one table: nothing is lost, and in the end both sites have changed places.

step                 after                                       milestone
drain SERVICE        the services that need it are drained
stop DATASET         every drain; the standby has all there is
fence OLD            every stop: no copy there takes a write     fenced
carry DATASET        fence                                       restored
promote DATASET      fence                                       promoted
start, redirect      as in a failover                            started, redirected
rejoin DATASET       its promotion, and what clients wait for
protect DATASET      its rejoining: commits wait again           protected
attest one writer    every promotion, gates as in a failover     safe
attest end state     everything else
unfence OLD          the end state
"""

from __future__ import annotations

import shlex
from pathlib import Path

from sites.drivers.shell_dataset import ShellDataset
from sites.drivers.sqlite.dataset import SqliteDataset
from sites.errors import GuardError, PlanError
from sites.estate import Estate
from sites.recovery import by_hand_data
from sites.recovery.attesting import attest, refused
from sites.recovery.carry import carry, carry_dump, same
from sites.recovery.end_state import END_STATE, end_state_step
from sites.recovery.failover import (
    ATTEST,
    ATTEST_SECONDS,
    Failover,
)
from sites.recovery.rejoin import protect_step, rejoin_step
from sites.recovery.restoring import RESTORE_SECONDS
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.standing import Standing
from sites.recovery.stopping import drain_step, stop_step
from sites.recovery.whole_site import PARTS_SECONDS


class Switchover(Failover):
    """Makes the steps that let site `new` serve in the place of site `old`, while both are well.

    Raises GuardError for a plan in which blackstart does not run every database.
    """

    def __init__(self, estate: Estate, observe: Observer, old: str, new: str) -> None:
        super().__init__(estate, observe)
        self._old, self._new = old, new
        self._fence = f"fence {old}"
        if (elsewhere := self._not_run_by_us()) is not None:
            raise GuardError(
                f'cannot switch over: dataset "{elsewhere}" has a server that no process of its site is',
                hint="declare `process` of each server, or switch over with what runs it",
            )

    def steps(self) -> list[Step]:
        steps = super().steps()
        drains = [name for name, service in self._plan.services.items() if service.process is not None]
        steps += [drain_step(self._estate, name, self._old) for name in drains]
        for name in self._promoted:
            steps.append(stop_step(self._estate, name, self._old, self._new, drains))
            steps.append(rejoin_step(self._estate, name, self._old, self._new, self._clients_served(name)))
            steps.append(protect_step(self._estate, name, self._old, self._new))
        names = tuple(step.name for step in steps)
        return [
            *steps,
            end_state_step(self._estate, self._promoted, self._old, self._new, names),
            self._unfence_step(),
        ]

    def protecting(self) -> list[Step]:
        """Site `old` was lost, and `new` serves: it becomes the standby, and nothing else changes."""
        steps = []
        for name in self._promoted:
            steps.append(rejoin_step(self._estate, name, self._old, self._new))
            steps.append(protect_step(self._estate, name, self._old, self._new))
        names = tuple(step.name for step in steps)
        return [
            *steps,
            end_state_step(self._estate, self._promoted, self._old, self._new, names),
            self._unfence_step(),
        ]

    def _clients_served(self, dataset: str) -> tuple[str, ...]:
        return (f"promote {dataset}", *self._ends_of(self._first_services()))

    def _not_run_by_us(self) -> str | None:
        for name in self._promoted:
            if any(self._estate.server(name, site).process is None for site in (self._old, self._new)):
                return name
        return None

    def _fence_step(self) -> Step:
        drivers = {name: self._estate.postgres(name) for name in self._promoted}

        def refuse() -> bool:
            return all(driver.refuses_write(self._old).holds for driver in drivers.values())

        def do(limit_seconds: float) -> Detail:
            self._fences.raise_(self._old, "switchover", Standing(self._estate.state).begun.run)
            for name, driver in drivers.items():
                refused(name, driver, self._old, limit_seconds)
            return {"site": self._old, "how": "every database there refuses writes", "proof": "refused"}

        def undo(_limit_seconds: float) -> Detail:
            if self._fences.raised_by(self._old, Standing(self._estate.state).begun.run):
                self._fences.lift(self._old)
            return {"site": self._old}

        return Step(
            name=self._fence,
            says=f'see that no database at site "{self._old}" takes a write',
            do=do,
            done=lambda: self._fences.raised(self._old) and refuse(),
            limit_seconds=PARTS_SECONDS,
            by_hand=by_hand_data.refuse(self._estate, self._promoted, self._old),
            needs=tuple(f"stop {name}" for name in self._promoted),
            milestone="fenced",
            undo=undo,
        )

    def _restore_step(self, name: str) -> Step:
        """Files come as they stand, not from a backup: nothing is lost of them either."""
        driver = self._estate.dataset(name)
        if isinstance(driver, SqliteDataset | ShellDataset):
            return self._carry_step(name, driver)
        source, to = self._folders(name)

        def do(_limit_seconds: float) -> Detail:
            manifest = carry(name, source, to)
            return {"dataset": name, "files": manifest.files, "bytes": manifest.bytes}

        return Step(
            name=f"restore {name}",
            says=f'bring dataset "{name}" to site "{self._new}" as it stands, and compare it',
            do=do,
            done=lambda: same(source, to),
            limit_seconds=RESTORE_SECONDS,
            by_hand=by_hand_data.copy(source, to),
            needs=self._drained(),
            milestone="restored",
            undo=lambda _limit_seconds: {"left": f'dataset "{name}" at site "{self._new}" is that copy'},
        )

    def _carry_step(self, name: str, driver: SqliteDataset | ShellDataset) -> Step:
        """A database is copied by its own means, checked, and put in place whole."""

        def do(_limit_seconds: float) -> Detail:
            carry_dump(name, driver, self._old, self._new, self._estate.state / "staging")
            return {"dataset": name, "site": self._new}

        return Step(
            name=f"restore {name}",
            says=f'bring dataset "{name}" to site "{self._new}" as it stands, and check it',
            do=do,
            done=lambda: False,  # nothing may write to it, so that doing it again changes nothing
            limit_seconds=RESTORE_SECONDS,
            by_hand=f'# copy dataset "{name}" from {self._old} to {self._new}, all programs stopped',
            needs=self._drained(),
            milestone="restored",
            undo=lambda _limit_seconds: {"left": f'dataset "{name}" at site "{self._new}" is that copy'},
        )

    def _drained(self) -> tuple[str, ...]:
        drains = [service for service, declared in self._plan.services.items() if declared.process]
        return (self._fence, *(f"drain {service}" for service in drains))

    def _folders(self, name: str) -> tuple[Path, Path]:
        """Where the files are at the old site, and where they belong at the new one."""
        declared = self._plan.datasets[name]
        if declared.kind != "files" or declared.restore is None:
            raise PlanError(f'dataset "{name}" has no place at site "{self._new}"')
        places = {declared.site: declared.path, declared.restore.site: declared.restore.path}
        return places[self._old], places[self._new]

    def _attest_step(self) -> Step:
        drivers = {name: self._estate.postgres(name) for name in self._promoted}

        def do(limit_seconds: float) -> Detail:
            for name, driver in drivers.items():
                attest(name, driver, self._new, self._old, limit_seconds)
            return {"writer": self._new}

        return Step(
            name=ATTEST,
            says=f'see that site "{self._new}" takes writes and that site "{self._old}" does not',
            do=do,
            done=lambda: False,  # an attestation holds for the moment at which it was made
            limit_seconds=ATTEST_SECONDS,
            by_hand="\n".join(map(self._ask_by_hand, self._promoted)),
            needs=(
                *(f"promote {name}" for name in self._promoted),
                *(f"gate {name}" for name in self._first_gated()),
            ),
            milestone="safe",
        )

    def _unfence_step(self) -> Step:
        def do(_limit_seconds: float) -> Detail:
            self._fences.lift(self._old)
            self._fences.lift(self._new)
            return {"site": self._old}

        return Step(
            name=f"unfence {self._old}",
            says=f'lift the fences: site "{self._old}" is a standby, and refuses writes by itself',
            do=do,
            done=lambda: not self._fences.raised(self._old) and not self._fences.raised(self._new),
            limit_seconds=ATTEST_SECONDS,
            by_hand=shlex.join(["rm", "-f", *map(str, map(self._fences.file, (self._old, self._new)))]),
            needs=(END_STATE,),
        )
