"""Who may do what on a primary that we made: the replicator, and the user of blackstart and the service."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql

from sites.drivers.masking import register_secret
from sites.drivers.postgres.server import ADMIN, REPLICATOR
from sites.drivers.postgres.session import Login, Session, session
from sites.drivers.postgres.writes import LOCAL_COMMIT, SCHEMA, write
from sites.errors import DatasetError

_ARM_SECONDS = 60.0
# Beyond owning its database: look at replication, promote, checkpoint before a failback, read all for a dump,
# after a promotion name the standby that commits wait for, have a mark in the log archived, give pg_rewind
# the server's files to compare.
_GRANTS = (
    "GRANT pg_monitor, pg_checkpoint, pg_read_all_data TO {user}",
    "GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer), pg_reload_conf(), pg_switch_wal() TO {user}",
    "GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean) TO {user}",
    "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO {user}",
    "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean) TO {user}",
    "GRANT ALTER SYSTEM ON PARAMETER synchronous_standby_names TO {user}",
)


def arm(
    address: tuple[str, int],
    *,
    admin_password: str,
    database: str,
    user: str,
    password: str,
    replication_password: str,
    limit_seconds: float = _ARM_SECONDS,
) -> None:
    """Create roles and database on a running primary; roles that exist get these passwords.

    Raises DatasetError.
    """
    for secret in (admin_password, password, replication_password):
        register_secret(secret)
    host, port = address

    def login(name: str, who: str = ADMIN, secret: str = admin_password) -> Login:
        return Login(host, port, name, who, secret, LOCAL_COMMIT)

    async def act() -> None:
        async with session(login("postgres"), limit_seconds) as admin:
            await _role(admin, REPLICATOR, replication_password, "REPLICATION")
            await _role(admin, user, password, "NOSUPERUSER")
            await _database(admin, database, user)
        async with session(login(database), limit_seconds) as admin:
            for grant in _GRANTS:
                await admin.rows(sql.SQL(grant).format(user=sql.Identifier(user)))
        async with session(login(database, user, password), limit_seconds) as owner:
            await owner.rows(SCHEMA)
            await write(owner)

    try:
        asyncio.run(act())
    except (DatasetError, psycopg.Error) as error:
        raise DatasetError(f"cannot prepare the primary at {host}:{port}: {error}") from error


async def _role(admin: Session, name: str, password: str, attribute: str) -> None:
    """The server gets a verifier, not the password: a statement may end up in its log."""
    verifier = admin.connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    known = await admin.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    statement = sql.SQL("{verb} ROLE {name} LOGIN {attribute} PASSWORD {verifier}").format(
        verb=sql.SQL("ALTER" if known else "CREATE"),
        name=sql.Identifier(name),
        attribute=sql.SQL(attribute),
        verifier=sql.Literal(verifier.decode()),
    )
    await admin.rows(statement)


async def _database(admin: Session, name: str, owner: str) -> None:
    if not await admin.rows("SELECT 1 FROM pg_database WHERE datname = %s", [name]):
        names = {"name": sql.Identifier(name), "owner": sql.Identifier(owner)}
        await admin.rows(sql.SQL("CREATE DATABASE {name} OWNER {owner}").format(**names))
