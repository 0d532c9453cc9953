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
import time
from pathlib import Path

from sites.drivers.shell_dataset import ShellDataset
from sites.drivers.sqlite.dataset import SqliteDataset
from sites.errors import BlackstartError, DatasetError, GuardError, PlanError, RunbookError
from sites.estate import Estate
from sites.recovery import by_hand, by_hand_data, by_hand_rejoin
from sites.recovery.attesting import attest
from sites.recovery.carry import carry, carry_dump, same
from sites.recovery.failover import (
    ATTEST,
    ATTEST_SECONDS,
    FENCE_SECONDS,
    PROMOTE_SECONDS,
    START_SECONDS,
    Failover,
)
from sites.recovery.rejoin import protect_step, rejoin_step, taken_over
from sites.recovery.restoring import RESTORE_SECONDS
from sites.recovery.runbook import Detail, Observer, Step
from sites.recovery.standing import Standing

END_STATE = "attest end state"
_POLL_SECONDS = 0.002


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
        steps += [self._drain_step(name) for name in drains]
        for name in self._promoted:
            steps.append(self._stop_step(name, drains))
            steps.append(rejoin_step(self._estate, name, self._old, self._new, self._clients_served(name)))
            steps.append(protect_step(self._estate, name, self._old, self._new))
        names = tuple(step.name for step in steps)
        return [*steps, self._end_state_step(names), self._unfence_step()]

    def protecting(self) -> list[Step]:
        """Site `old` was lost, and `new` serves: it becomes the standby, and nothing else changes."""
        steps = []
        for name in self._promoted:
            steps.append(rejoin_step(self._estate, name, self._old, self._new))
            steps.append(protect_step(self._estate, name, self._old, self._new))
        names = tuple(step.name for step in steps)
        return [*steps, self._end_state_step(names), self._unfence_step()]

    def _clients_served(self, dataset: str) -> tuple[str, ...]:
        return (f"promote {dataset}", *self._ends_of(self._first_services()))

    def _not_run_by_us(self) -> str | None:
        for name in self._promoted:
            if any(self._estate.server(name, site).process is None for site in (self._old, self._new)):
                return name
        return None

    def _drain_step(self, name: str) -> Step:
        site, process = self._estate.site(self._old), self._plan.services[name].process or name
        services = self._plan.services.items()
        dependents = [other for other, service in services if name in service.needs and service.process]

        def do(_limit_seconds: float) -> Detail:
            site.stop(process)
            return {"service": name, "site": self._old}

        return Step(
            name=f"drain {name}",
            says=f'stop service "{name}" at site "{self._old}"',
            do=do,
            done=lambda: process not in site.running(),
            limit_seconds=START_SECONDS,
            by_hand=by_hand.stop(self._plan, self._old, process),
            needs=tuple(f"drain {other}" for other in dependents),
        )

    def _stop_step(self, name: str, drains: list[str]) -> Step:
        server = self._estate.server(name, self._old)

        def do(limit_seconds: float) -> Detail:
            return self._stop_and_prove(name, limit_seconds)

        return Step(
            name=f"stop {name}",
            says=f'stop the primary of dataset "{name}", and see that site "{self._new}" has all of it',
            do=do,
            done=lambda: taken_over(self._estate, name, self._old, self._new),
            limit_seconds=PROMOTE_SECONDS,
            by_hand=f"{by_hand.stop(self._plan, self._old, server.process or '')} &&\n"
            + by_hand_data.compare(self._estate, name, self._old, self._new),
            needs=tuple(f"drain {service}" for service in drains),
        )

    def _stop_and_prove(self, name: str, limit_seconds: float) -> Detail:
        """What cannot be proven is undone: the old side takes writes again, and nothing was promoted."""
        process = self._estate.server(name, self._old).process or ""
        site, driver = self._estate.site(self._old), self._estate.postgres(name)
        rejoining = self._estate.rejoining(name, self._old)
        if process in site.running():
            proof = driver.wait_until_in_sync(
                limit_seconds=limit_seconds, standby=self._new, synchronous=False
            )
            if not proof.holds:
                raise DatasetError(f'dataset "{name}" is not switched over: {proof.how}')
            site.stop(process)
        control = rejoining.control()
        try:
            if not control.was_a_primary_and_stopped_cleanly:
                raise DatasetError(
                    f'the primary of dataset "{name}" did not shut down: it is {control.state}'
                )
            deadline = time.monotonic() + limit_seconds
            while (replayed := driver.replayed(self._new)) <= control.checkpoint:
                if time.monotonic() > deadline:
                    raise DatasetError(f'site "{self._new}" lacks the end of dataset "{name}"')
                time.sleep(_POLL_SECONDS)
        except BlackstartError:
            site.start(process)
            raise
        return {"dataset": name, "last_entry": control.checkpoint, "replayed": replayed}

    def _fence_step(self) -> Step:
        drivers = {name: self._estate.postgres(name) for name in self._promoted}

        def refuse() -> bool:
            return all(driver.refuses_write(self._old).holds for driver in drivers.values())

        def do(_limit_seconds: float) -> Detail:
            self._fences.raise_(self._old, "switchover", Standing(self._estate.state).begun.run)
            for name, driver in drivers.items():
                proof = driver.refuses_write(self._old)
                if not proof.holds:
                    raise RunbookError(f'dataset "{name}" at site "{self._old}" is not fenced: {proof.how}')
            return {"site": self._old, "how": "every database there refuses writes", "proof": "refused"}

        return Step(
            name=self._fence,
            says=f'see that no database at site "{self._old}" takes a write',
            do=do,
            done=lambda: self._fences.raised(self._old) and refuse(),
            limit_seconds=FENCE_SECONDS,
            by_hand=by_hand_data.refuse(self._estate, self._promoted, self._old),
            needs=tuple(f"stop {name}" for name in self._promoted),
            milestone="fenced",
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

    def _end_state_step(self, all_others: tuple[str, ...]) -> Step:
        def do(_limit_seconds: float) -> Detail:
            if wrong := [*self._roles_not_as_meant(), *self._services_not_as_meant()]:
                raise RunbookError(f"the end state is not as it should be: {'; '.join(wrong)}")
            return {"serving": self._new, "standby": self._old}

        return Step(
            name=END_STATE,
            says=f'see that site "{self._new}" serves and that site "{self._old}" stands by for it',
            do=do,
            done=lambda: False,  # as above
            limit_seconds=ATTEST_SECONDS,
            by_hand=by_hand_rejoin.end_state(self._estate, self._promoted, self._old, self._new),
            needs=all_others,
        )

    def _roles_not_as_meant(self) -> list[str]:
        drivers = {name: self._estate.postgres(name) for name in self._promoted}
        proofs = {name: driver.in_sync(standby=self._old) for name, driver in drivers.items()}
        return [f'dataset "{name}": {proof.how}' for name, proof in proofs.items() if not proof.holds]

    def _services_not_as_meant(self) -> list[str]:
        processes = {service.process for service in self._plan.services.values() if service.process}
        there, here = self._estate.site(self._old).running(), self._estate.site(self._new).running()
        wrong = [f'process "{name}" still runs at site "{self._old}"' for name in processes if name in there]
        return wrong + [
            f'process "{name}" does not run at site "{self._new}"' for name in processes if name not in here
        ]

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
