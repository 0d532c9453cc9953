"""Damage through the front door: rows deleted, a table dropped, files encrypted. The copies get it too.

No failover helps against it, only a restore to before it. What was damaged is kept, so that a drill ends as
it began; a real one would not be so kind.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import cast

from drills.fault import Healing, Left
from sites.capability import Proof, Target
from sites.drivers.postgres.damage import DamagedTable, TableDamage
from sites.drivers.postgres.dataset import PostgresDataset
from sites.errors import BlackstartError, DatasetError, GuardError
from sites.estate import Estate
from sites.plan.faults import ReplicatedDamage as Noun

_KEPT = "kept"
_COPIES_SECONDS = 30.0
_LOOK_SECONDS = 0.02


class ReplicatedTableDamage:
    """Done and undone at whichever copy takes writes; in force once every copy that answers has it."""

    reversible = True
    revives = False

    def __init__(self, estate: Estate, noun: Noun) -> None:
        self._estate = estate
        self._noun = noun
        self._driver: PostgresDataset = estate.postgres(noun.dataset)

    def ready(self) -> list[Target]:
        table = self._table(Left((), Path()))
        rows = table.rows(self._driver.login(self._writer()))
        if not rows:
            raise GuardError(
                f'nothing can be damaged in {self._noun.table} of dataset "{self._noun.dataset}"'
            )
        beside = table.beside(self._driver.login(self._writer()))
        if beside:
            raise GuardError(
                f'{self._noun.table} of dataset "{self._noun.dataset}" could not be put back as it was: '
                + "; ".join(beside),
                hint="strike a table whose rows can go and come alone, or drop one: `damage: table_dropped`",
            )
        detail: dict[str, object] = {"rows": rows}
        return [
            Target(site, "table", f"{self._noun.dataset}:{self._noun.table}", detail)
            for site in self._sites()
        ]

    def arm(self, room: Path) -> dict[str, object]:
        del room
        return {_KEPT: f"kept_{uuid.uuid4().hex[:12]}"}

    def inject(self, left: Left) -> Proof:
        self._table(left).do(self._driver.login(self._writer()))
        deadline = time.monotonic() + _COPIES_SECONDS
        while not (proof := self.effective(left)).holds and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return proof

    def effective(self, left: Left) -> Proof:
        table = self._table(left)
        proofs = [table.struck(self._driver.login(site)) for site in self._answering()]
        return Proof(bool(proofs) and all(proof.holds for proof in proofs), "; ".join(p.how for p in proofs))

    def heal(self, left: Left) -> Healing:
        try:
            self._table(left).undo(self._driver.login(self._writer()))
        except BlackstartError as error:
            return Healing("stuck", str(error))
        return Healing("reverted", f'{self._noun.table} of dataset "{self._noun.dataset}" is as it was')

    def healed(self, left: Left) -> Proof:
        proof = self._table(left).struck(self._driver.login(self._writer()))
        return Proof(not proof.holds, proof.how)

    def expected(self) -> str:
        what = {"rows_deleted": "every row is deleted", "table_dropped": "the table is gone"}
        return f"{self._noun.table}: {what[self._noun.damage]}, at every copy: no failover helps"

    def undo(self) -> str:
        return f"put {self._noun.table} back, from where its rows are kept meanwhile"

    def _table(self, left: Left) -> DamagedTable:
        if self._noun.table is None:
            raise GuardError(f'which table of dataset "{self._noun.dataset}"?', hint="name it with `table`")
        damage = cast(TableDamage, self._noun.damage)
        return DamagedTable(self._noun.table, damage, str(left.data.get(_KEPT, "kept")))

    def _sites(self) -> list[str]:
        return sorted(self._estate.sites_of(self._noun.dataset))

    def _writer(self) -> str:
        for site in self._sites():
            if self._driver.writable(site) is True:
                return site
        raise DatasetError(f'no copy of dataset "{self._noun.dataset}" takes writes')

    def _answering(self) -> list[str]:
        return [site for site in self._sites() if self._driver.writable(site) is not None]
