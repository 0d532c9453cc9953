"""What a person types to make a server on a host a standby again: one script over ssh, as who owns its data.

Passwords go into files of that account over the connection's standard input, and into no argument.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from sites.drivers.postgres.configuration import Upstream, upstream_file
from sites.drivers.postgres.rejoin import conninfo
from sites.drivers.postgres.session import Login
from sites.plan import HostsSite, PostgresDataset, PostgresServer
from sites.recovery import by_hand
from sites.recovery.by_hand import THEN
from sites.secret import Secret

AS_PASSFILE = r"sed 's/[\\:]/\\&/g; s/^/*:*:*:*:/'"
OURS = "primary_conninfo|primary_slot_name|synchronous_standby_names"
WAITS_FOR_NOBODY = "synchronous_standby_names = ''\n"
_END = "BY_HAND"
# Debian has a server's configuration elsewhere, which pg_rewind has to be told.
_SCRIPT = """set -eu
cd /
data={data}
bin=/usr/lib/postgresql/$(cat "$data/PG_VERSION")/bin
[ -x "$bin/pg_rewind" ] || bin=$(dirname "$(command -v pg_rewind)")
config=/etc/postgresql/${{data#/var/lib/postgresql/}}/postgresql.conf
if [ -f "$config" ]; then set -- "--config-file=$config"; fi
if [ ! -d "$data.own" ]; then mkdir "$data.own" && cp -p "$data"/*.conf "$data.own/"; fi
rm -f "$data/postmaster.pid" "$data/standby.signal"
PGPASSFILE=$data.secret "$bin/pg_rewind" -D "$data" --source-server={source} "$@" </dev/null || {{
    mv -T "$data" "$data.old"   # it is of no use: copied anew, and the old one stays beside it
    set -- -h {host} -p {port} -U {user} -w -X stream -S {slot} -c fast
    PGPASSFILE=$data.passfile "$bin/pg_basebackup" -D "$data" "$@" </dev/null
}}
cp -p "$data.own"/*.conf "$data/"
sed -E '/^ *({ours}) *=/d' "$data.own/postgresql.auto.conf" > "$data/postgresql.auto.conf"
printf %s {told} >> "$data/postgresql.auto.conf"
touch "$data/standby.signal"
rm -rf "$data.own" "$data.secret"
"""


@dataclass(frozen=True, slots=True)
class Replica:
    """A server that has ended at a site of hosts, and whose standby it will be, through a slot there."""

    place: HostsSite
    server: PostgresServer
    noun: PostgresDataset
    source: PostgresServer
    slot: str

    @property
    def passfile(self) -> str:
        return f"{self.server.data}.passfile"


def rejoin(replica: Replica) -> str:
    """The passwords, then the script. What follows on the next line runs only where all went well."""
    noun, data = replica.noun, replica.server.data
    following = noun.replication.password if noun.replication is not None else None
    secrets = ((noun.password, f"{data}.secret"), (following, replica.passfile))
    lines = [_sent(replica, secret, path) for secret, path in secrets if secret is not None]
    script = f"{_as_owner(replica.place, replica.server, 'sh -s')} <<'{_END}' &&\n{_script(replica)}{_END}"
    return THEN.join([*lines, script])


def control(place: HostsSite, server: PostgresServer) -> str:
    """What the control file of a server says that has ended."""
    lines = [
        f"data={shlex.quote(str(server.data))}",
        'bin=/usr/lib/postgresql/$(cat "$data/PG_VERSION")/bin',
        '[ -x "$bin/pg_controldata" ] || bin=$(dirname "$(command -v pg_controldata)")',
        'LC_ALL=C "$bin/pg_controldata" -D "$data"',
    ]
    return _as_owner(place, server, shlex.join(["sh", "-c", "; ".join(lines)]))


def _sent(replica: Replica, secret: Secret, path: str) -> str:
    there = shlex.join(["sh", "-c", f"umask 077; cat > {shlex.quote(path)}"])
    into = _as_owner(replica.place, replica.server, there)
    return f"printf '%s\\n' {by_hand.secret(secret)} | {AS_PASSFILE} | {into}"


def _as_owner(place: HostsSite, server: PostgresServer, line: str) -> str:
    process = server.process or ""
    owner = place.processes[process].owner
    if place.ssh.user != owner:
        line = f"{'sudo -n ' if place.ssh.sudo else ''}runuser -u {shlex.quote(owner)} -- {line}"
    return by_hand.over_ssh(place, process, line)


def _script(replica: Replica) -> str:
    noun, source, name = replica.noun, replica.source, replica.server.site
    user = noun.replication.user if noun.replication is not None else noun.user
    upstream = Upstream(source.host, source.port, user, replica.slot, replica.passfile)
    return _SCRIPT.format(
        data=shlex.quote(str(replica.server.data)),
        source=shlex.quote(conninfo(Login(source.host, source.port, noun.database, noun.user, ""), name)),
        host=shlex.quote(source.host),
        port=source.port,
        user=shlex.quote(user),
        slot=shlex.quote(replica.slot),
        ours=OURS,
        told=shlex.quote(upstream_file(name, upstream) + WAITS_FOR_NOBODY),
    )
