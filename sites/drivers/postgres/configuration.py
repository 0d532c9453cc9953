"""The files that make a PostgreSQL server one half of a replicated pair: text in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What we decide about a server; `others` is added as it is and wins.

    `name` is also how a standby introduces itself. `synchronous_standbys` is empty, or such as
    "FIRST 1 (dr)": then a commit is acknowledged only after it is on that standby's disk too.
    """

    name: str
    port: int
    host: str = "127.0.0.1"
    synchronous_standbys: str = ""
    shared_buffers: str = "32MB"
    max_connections: int = 200
    wal_keep_size: str = "256MB"
    max_slot_wal_keep_size: str = "1GB"
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a standby gets its changes from. The password is in `passfile`."""

    host: str
    port: int
    user: str
    slot: str
    passfile: str


def server_file(settings: ServerSettings) -> str:
    """The whole of postgresql.conf. Nothing of it is inherited by a standby: every server gets its own."""
    chosen = {
        "listen_addresses": settings.host,
        "port": str(settings.port),
        # two servers on one port of different addresses would collide on the socket's lock file
        "unix_socket_directories": "",
        "cluster_name": settings.name,
        "max_connections": str(settings.max_connections),
        "shared_buffers": settings.shared_buffers,
        # a killed server leaves its segments in /dev/shm for ever; in its own folder they go with it
        "dynamic_shared_memory_type": "mmap",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "full_page_writes": "on",
        "wal_level": "replica",
        "synchronous_commit": "on",
        "synchronous_standby_names": settings.synchronous_standbys,
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "wal_keep_size": settings.wal_keep_size,
        # without it, a standby that is away fills the primary's disk
        "max_slot_wal_keep_size": settings.max_slot_wal_keep_size,
        "hot_standby": "on",
        # the default of 5 s is how long a promotion stalls when it loses a race with the primary's death
        "wal_retrieve_retry_interval": "50ms",
        "lc_messages": "C",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        **settings.others,
    }
    return "".join(f"{name} = {quoted(value)}\n" for name, value in chosen.items())


def access_file(replicator: str) -> str:
    """The whole of pg_hba.conf: a password for everybody, over the loopback."""
    rows = [("all", "all"), ("replication", replicator)]
    hosts = ["127.0.0.1/32", "::1/128"]
    return "".join(f"host {what} {who} {host} scram-sha-256\n" for what, who in rows for host in hosts)


def upstream_file(name: str, upstream: Upstream) -> str:
    """The whole of a standby's postgresql.auto.conf, which the base backup filled with the primary's."""
    words = {
        "host": upstream.host,
        "port": str(upstream.port),
        "user": upstream.user,
        "passfile": upstream.passfile,
        "application_name": name,
        "connect_timeout": "2",
    }
    line = " ".join(f"{word}={_conninfo_quoted(value)}" for word, value in words.items())
    return f"primary_conninfo = {quoted(line)}\nprimary_slot_name = {quoted(upstream.slot)}\n"


def quoted(value: str) -> str:
    """A value of postgresql.conf."""
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return f"'{escaped}'"


def passfile_line(
    password: str, *, host: str = "*", port: str = "*", database: str = "*", user: str = "*"
) -> str:
    """One line of a password file."""
    fields = (host, port, database, user, password)
    return ":".join(f if f == "*" else f.replace("\\", "\\\\").replace(":", "\\:") for f in fields) + "\n"


def _conninfo_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
