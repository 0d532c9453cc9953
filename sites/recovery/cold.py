"""The cold recovery, as one table: no replica is used, and everything comes from the other site's backups.

step                 after                                       milestone
fence SITE           -                                           fenced
promote DATASET      fence: its server is to take writes         (what it holds is thrown away)
load DATASET         its promotion: the backup instead of all    promoted
                     that the server holds
everything else      as in a failover, with `load` for `promote`

Whatever has damaged the replica as well (a dropped table, a bad release, an extortionist) is not undone by a
failover to it.
"""

from __future__ import annotations

from dataclasses import replace

from sites.errors import GuardError
from sites.estate import Estate
from sites.recovery.chosen import ChosenPoints
from sites.recovery.failover import ATTEST, Failover
from sites.recovery.restoring import load_step
from sites.recovery.runbook import Observer, Step
from sites.restore import RestoreSource


class ColdRecovery(Failover):
    """Makes the steps of a failover that trusts no replica.

    Raises GuardError when a replicated dataset has no backup that outlives its site, PlanError.
    """

    def __init__(self, estate: Estate, observe: Observer) -> None:
        super().__init__(estate, observe)
        if self._home:
            raise GuardError(
                f'cannot recover cold at site "{self._new}": backups are restored at the other site',
                hint="blackstart failover, without --cold",
            )
        self._chosen = ChosenPoints(estate.state).all()
        self._loaded = [*self._promoted, *self._by_command]
        for name in self._loaded:
            where = estate.backup_source(name).repository_name
            if estate.plan.repositories[where].site == self._old:
                raise GuardError(
                    f'cannot recover dataset "{name}" cold: repository "{where}" is lost with "{self._old}"',
                    hint="declare a copy_of it at another site",
                )

    def steps(self) -> list[Step]:
        steps = [self._as_a_shell(step) for step in super().steps()]
        return [*steps, *map(self._load_step, self._loaded)]

    def _as_a_shell(self, step: Step) -> Step:
        """A server that is promoted for its shell alone serves nobody yet; one writer, once it is loaded."""
        if step.name.startswith("promote "):
            name = step.name.removeprefix("promote ")
            says = (
                f'let the server of dataset "{name}" at "{self._new}" take writes; what it holds is dropped'
            )
            return replace(step, says=says, milestone=None)
        if step.name == ATTEST:
            loads = tuple(f"load {name}" for name in self._loaded)
            return replace(step, needs=(*step.needs, *loads))
        return step

    def _load_step(self, name: str) -> Step:
        source = replace(self._estate.backup_source(name), chosen=self._chosen.get(name))
        return load_step(self._estate, name, source, (self._fence, f"promote {name}"))

    def _source(self, name: str) -> RestoreSource:
        return replace(super()._source(name), chosen=self._chosen.get(name))

    def _ends_of(self, needs: tuple[str, ...], *, restored: bool = True) -> tuple[str, ...]:
        return tuple(
            end.replace("promote ", "load ", 1) if end.startswith("promote ") else end
            for end in super()._ends_of(needs, restored=restored)
        )


def runbook(estate: Estate, observe: Observer, *, cold: bool) -> list[Step]:
    """The steps of the one or the other. Raises GuardError, PlanError."""
    return (ColdRecovery if cold else Failover)(estate, observe).steps()
