"""What a person types to give a database its standby back, and commits that wait for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from sites.drivers.postgres.configuration import Upstream, upstream_file
from sites.drivers.postgres.rejoin import conninfo
from sites.drivers.postgres.session import Login
from sites.estate import Estate
from sites.plan import HostsSite, PostgresDataset, PostgresServer, ProcessesSite, ShellSite, Site
from sites.plan.containers_site import ContainersSite
from sites.recovery import by_hand, by_hand_on_host
from sites.recovery.by_hand_data import THEN, noun_of, program, psql, refuses, user_of

_STANDBYS = "SELECT application_name, state, sync_state, replay_lsn FROM pg_stat_replication"
_KNOWN = "FROM pg_replication_slots WHERE slot_name = "


def standbys(estate: Estate, name: str, site: str) -> str:
    """See who follows the server at a site."""
    return psql(estate, name, site, _STANDBYS)


def end_state(estate: Estate, names: Iterable[str], old: str, new: str) -> str:
    """See that each database at `new` is followed by that at `old`."""
    lines = [f"{standbys(estate, name, new)}   # says {old}: streaming" for name in names]
    return "\n".join(lines) or "blackstart status"


def rejoin(estate: Estate, name: str, site: str, primary: str, slot: str) -> str:
    """The server at `site`, which has ended, as the standby of that at `primary`, through a slot there."""
    noun, server, place = noun_of(estate, name), estate.server(name, site), estate.plan.sites[site]
    hosted = [
        psql(estate, name, primary, "CHECKPOINT"),
        psql(estate, name, primary, _slot_made(slot), replicator=True),
    ]
    if isinstance(place, HostsSite) and noun.replication is not None and server.process and server.data:
        replica = by_hand_on_host.Replica(place, server, noun, _server(noun, primary), slot)
        gone = refuses(estate, name, site).partition("   #")[0]
        there = THEN.join([gone, *hosted, by_hand_on_host.rejoin(replica)])
        return f"{there}\n{by_hand.start(estate.plan, site, server.process)}"
    if not isinstance(place, ProcessesSite) or noun.replication is None or not server.process:
        there = f"# {_left_to_you(place, site)}"
        return THEN.join(hosted) + f"\n{there}\n{_is_a_standby(estate, name, site)}"
    data = shlex.quote(str(server.data))
    lines = [
        refuses(estate, name, site).partition("   #")[0],
        *hosted,
        f"if [ ! -d {data}.own ]; then mkdir {data}.own && cp -p {data}/*.conf {data}.own/; fi",
        f"rm -f {data}/postmaster.pid {data}/standby.signal",
        _rewound(estate, noun, server, primary),
        f"cp -p {data}.own/*.conf {data}/",
        *_following(noun, server, primary, slot),
        f"chown --reference={data} {data}.passfile {data}/*.conf {data}/standby.signal && rm -r {data}.own",
        by_hand.start(estate.plan, site, server.process),
    ]
    return THEN.join(lines) + f"\n{_or_anew(estate, noun, server, primary, slot)}"


def _left_to_you(place: Site, site: str) -> str:
    """What has to be done at a site where no line can be printed for it, and why none can."""
    todo = f"at site {site}: pg_rewind its data, its own configuration and standby.signal again, start it"
    if isinstance(place, ContainersSite):
        return f"{todo}; by you, for the plan does not say where one container reaches another"
    if isinstance(place, ShellSite):
        return f"{todo}; by you, for the plan knows its commands and not its machines"
    return f"{todo}; by you, for the plan lacks `replication`, or `process` and `data` of its server"


def _is_a_standby(estate: Estate, name: str, site: str) -> str:
    """What nobody could print is not passed over: this fails until a person has done it."""
    ask = psql(estate, name, site, "SELECT pg_is_in_recovery()").replace(" -X ", " -XAt ", 1)
    return f"{ask} | grep -qx t   # fails until that is done"


def protect(estate: Estate, name: str, site: str, primary: str, slot: str, *, waited: bool) -> str:
    """Nothing is left of the time of `site` as a primary, and commits wait for it where the plan says so."""
    lines = [
        f"{standbys(estate, name, primary)}   # says {site}: streaming",
        psql(estate, name, site, _slot_dropped(slot), replicator=True),
    ]
    if waited:
        wait = f"ALTER SYSTEM SET synchronous_standby_names TO 'FIRST 1 (\"{site}\")'"
        lines.append(psql(estate, name, primary, wait, "SELECT pg_reload_conf()"))
    return "\n".join(lines)


def _slot_made(slot: str) -> str:
    return (
        f"SELECT pg_create_physical_replication_slot('{slot}', true) "
        f"WHERE NOT EXISTS (SELECT {_KNOWN}'{slot}')"
    )


def _slot_dropped(slot: str) -> str:
    return f"SELECT pg_drop_replication_slot(slot_name) {_KNOWN}'{slot}'"


def _rewound(estate: Estate, noun: PostgresDataset, server: PostgresServer, primary: str) -> str:
    source = _server(noun, primary)
    at = conninfo(Login(source.host, source.port, noun.database, noun.user, ""), server.site)
    rewind = f"{program(estate.plan, server, 'pg_rewind')} -D {shlex.quote(str(server.data))}"
    line = by_hand.as_user(user_of(estate.plan, server), f"{rewind} --source-server={shlex.quote(at)}")
    return by_hand.with_env({"PGPASSWORD": noun.password} if noun.password else {}, line)


def _following(noun: PostgresDataset, server: PostgresServer, primary: str, slot: str) -> list[str]:
    """Its own configuration as that of a standby, and the password with which it follows."""
    replication, source, data = noun.replication, _server(noun, primary), shlex.quote(str(server.data))
    if replication is None:
        return []
    passfile = f"{server.data}.passfile"
    upstream = Upstream(source.host, source.port, replication.user, slot, passfile)
    told = upstream_file(server.site, upstream) + by_hand_on_host.WAITS_FOR_NOBODY
    auto = f"{data}/postgresql.auto.conf"
    password = by_hand.secret(replication.password)
    return [
        f"sed -E '/^({by_hand_on_host.OURS}) *=/d' {data}.own/postgresql.auto.conf > {auto}",
        f"printf %s {shlex.quote(told)} >> {auto}",
        f"(umask 077 && printf '%s\\n' {password} | {by_hand_on_host.AS_PASSFILE} > {shlex.quote(passfile)})",
        f"touch {data}/standby.signal",
    ]


def _or_anew(estate: Estate, noun: PostgresDataset, server: PostgresServer, primary: str, slot: str) -> str:
    source, data = _server(noun, primary), shlex.quote(str(server.data))
    user = noun.replication.user if noun.replication else noun.user
    copy = f"{program(estate.plan, server, 'pg_basebackup')} -D {data} -h {source.host} -p {source.port}"
    more = f"-U {shlex.quote(user)} -X stream -S {slot} -c fast"
    return f"# where pg_rewind refuses: mv {data} {data}.old && {copy} {more}, then on from `cp`"


def _server(noun: PostgresDataset, site: str) -> PostgresServer:
    return noun.standby if noun.standby is not None and noun.standby.site == site else noun.primary
