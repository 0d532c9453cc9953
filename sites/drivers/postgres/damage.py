"""Damage done to a table through the front door, so that every copy of the database gets it; and its undo.

Nothing is thrown away: rows are moved, and a table is hidden, into a place that no application looks at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import psycopg
from psycopg import sql

from sites.capability import Proof
from sites.drivers.postgres.session import Login, Session, session
from sites.errors import DatasetError

TableDamage = Literal["rows_deleted", "table_dropped"]
LIMIT_SECONDS = 60.0
_HIDDEN = "blackstart_kept"
_SCHEMA = sql.SQL("CREATE SCHEMA IF NOT EXISTS blackstart_kept")
_THERE = "SELECT to_regclass(%s) IS NOT NULL"
_EMPTY = "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('blackstart_kept'))"
# Generated columns are made anew: a server takes no value for one.
_COLUMNS = """SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
# What a DELETE of all rows, and their INSERT later, would do beside moving them: nobody could take that back.
_BESIDE = """SELECT 'rows of ' || conrelid::regclass || ' go with its own, or change (' || conname || ')'
    FROM pg_constraint WHERE contype = 'f' AND confrelid = %s::regclass AND confdeltype IN ('c', 'n', 'd')
UNION ALL SELECT 'trigger ' || tgname || ' fires' FROM pg_trigger
    WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 12 <> 0
UNION ALL SELECT 'rule ' || rulename || ' applies' FROM pg_rewrite
    WHERE ev_class = %s::regclass AND ev_type IN ('3', '4')
UNION ALL SELECT 'rows of ' || inhrelid::regclass || ' are among its own' FROM pg_inherits, pg_class
    WHERE inhparent = %s::regclass AND pg_class.oid = inhparent AND relkind = 'r'"""


class DamagedTable:
    """One table of one database. `kept` names where its rows, or itself, are meanwhile."""

    def __init__(self, table: str, damage: TableDamage, kept: str) -> None:
        schema, _, name = table.rpartition(".")
        self._words = (schema or "public", name)
        self._kept_words = (_HIDDEN, kept)
        self._damage = damage

    def rows(self, writer: Login) -> int:
        """How many rows there are. Raises DatasetError where there is no such table."""
        return int(_ask(writer, self._count, f"count {'.'.join(self._words)}"))

    def beside(self, writer: Login) -> list[str]:
        """What the damage would do that its undo does not take back. Changes nothing."""
        if self._damage != "rows_deleted":
            return []

        async def told(asked: Session) -> object:
            name = sql.Identifier(*self._words).as_string(asked.connection)
            return [str(row[0]) for row in await asked.rows(_BESIDE, [name] * 4)]

        return list(_ask(writer, told, f"look at {'.'.join(self._words)}"))

    def do(self, writer: Login) -> None:
        """Raises DatasetError; then nothing was changed."""
        schema, name = self._words
        table, kept = sql.Identifier(*self._words), sql.Identifier(*self._kept_words)
        if self._damage == "rows_deleted":
            moved = "WITH gone AS (DELETE FROM {} RETURNING *) INSERT INTO {} SELECT * FROM gone"
            statements = [
                sql.SQL("CREATE TABLE {} (LIKE {})").format(kept, table),
                sql.SQL(moved).format(table, kept),
            ]
        else:
            statements = _moved((schema, name), self._kept_words)
        _ask(writer, lambda asked: _all(asked, [_SCHEMA, *statements]), f"damage {schema}.{name}")

    def undo(self, writer: Login) -> None:
        """No effect where it is undone. Raises DatasetError; then nothing was changed."""
        if not self.struck(writer).holds:
            return

        async def back(asked: Session) -> object:
            moved = self._damage != "rows_deleted"
            statements = _moved(self._kept_words, self._words) if moved else await self._rows_back(asked)
            async with asked.connection.transaction():
                await _all(asked, statements)
                if await asked.value(_EMPTY):
                    await asked.rows("DROP SCHEMA blackstart_kept")
            return None

        _ask(writer, back, f"undo the damage to {'.'.join(self._words)}")

    async def _rows_back(self, asked: Session) -> list[sql.Composed]:
        table, kept = sql.Identifier(*self._words), sql.Identifier(*self._kept_words)
        names = await asked.rows(_COLUMNS, [table.as_string(asked.connection)])
        columns = sql.SQL(", ").join(sql.Identifier(str(row[0])) for row in names)
        back = "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} ON CONFLICT DO NOTHING"
        return [
            sql.SQL(back).format(table, columns, columns, kept),
            sql.SQL("DROP TABLE {}").format(kept),
        ]

    def struck(self, copy: Login) -> Proof:
        """Whether the damage is in that copy, as the copy itself says."""
        kept = bool(_ask(copy, lambda asked: _there(asked, self._kept_words), "look for the damage"))
        return Proof(kept, f"{'.'.join(self._words)} at {copy.address} is {'' if kept else 'not '}struck")

    async def _count(self, asked: Session) -> object:
        return await asked.value(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*self._words)))


def _moved(place: tuple[str, str], to: tuple[str, str]) -> list[sql.Composed]:
    """A table gets another name and schema."""
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(*place), sql.Identifier(to[1]))
    move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
    return [rename, move.format(sql.Identifier(place[0], to[1]), sql.Identifier(to[0]))]


async def _there(asked: Session, words: tuple[str, str]) -> object:
    name = sql.Identifier(*words).as_string(asked.connection)
    return await asked.value(_THERE, [name])


async def _all(asked: Session, statements: Sequence[sql.Composable]) -> object:
    """All of them or none."""
    async with asked.connection.transaction():
        for statement in statements:
            await asked.rows(sql.Composed([statement]))
    return None


def _ask(login: Login, act: Callable[[Session], Coroutine[Any, Any, object]], what: str) -> Any:  # noqa: ANN401
    async def asked() -> object:
        async with session(login, LIMIT_SECONDS) as opened:
            return await act(opened)

    try:
        return asyncio.run(asked())
    except psycopg.Error as error:
        raise DatasetError(f"cannot {what} at {login.address}: {' '.join(str(error).split())}") from error
