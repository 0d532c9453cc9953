"""What a person types to do with data what a driver does: databases asked and told, backups put in place.

Each line ends in what keeps the next from running where it failed, so that all can be pasted at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from sites.errors import PlanError
from sites.estate import Estate
from sites.plan import HostsSite, Plan, PostgresDataset, PostgresServer, ProcessesSite, ResticRepository
from sites.plan import SqliteDataset as SqliteNoun
from sites.points import DUMP_NAME
from sites.recovery import by_hand, by_hand_on_host
from sites.recovery.by_hand import THEN as THEN
from sites.recovery.by_hand import Env
from sites.restore import RestoreSource
from sites.secret import Secret
from sites.stanza_restore import StanzaSource

_EVERY_SCHEMA = (
    "SELECT format('DROP SCHEMA %I CASCADE;', nspname) FROM pg_namespace "
    "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
)
_PUBLIC = ("CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC")
# What SQLite keeps beside a database goes with it.
_BESIDE = "'' -wal -shm -journal"


def program(plan: Plan, server: PostgresServer, name: str) -> str:
    """One of PostgreSQL's programs: that beside the server, where the plan says where that is."""
    site = plan.sites[server.site]
    if site.kind == "processes" and server.process in site.processes:
        beside = Path(site.processes[server.process].command[0]).with_name(name)
        return shlex.quote(str(beside)) if beside.is_absolute() else name
    return name


def psql(estate: Estate, name: str, site: str, *statements: str, replicator: bool = False) -> str:
    """Ask or tell the database of a dataset at a site, as blackstart's role or the replicator."""
    noun, server = noun_of(estate, name), estate.server(name, site)
    user, password = noun.user, noun.password
    if replicator and noun.replication is not None:
        user, password = noun.replication.user, noun.replication.password
    said = " ".join(f"-c {shlex.quote(each)}" for each in statements)
    words = f"{program(estate.plan, server, 'psql')} -X {_at(noun, server, user)} -v ON_ERROR_STOP=1 {said}"
    return by_hand.with_env(_password(password), words.rstrip())


def promote(estate: Estate, name: str, site: str) -> str:
    return psql(estate, name, site, "SELECT pg_promote()")


def ask_writer(estate: Estate, name: str, site: str) -> str:
    return f"{psql(estate, name, site, 'SELECT pg_is_in_recovery()')}   # says f"


def refuses(estate: Estate, name: str, site: str) -> str:
    """See that a server that was stopped is not there."""
    server = estate.server(name, site)
    ask = f"{program(estate.plan, server, 'pg_isready')} -h {server.host} -p {server.port}"
    return f"! {ask}   # says: no response"


def refuse(estate: Estate, names: Iterable[str], site: str) -> str:
    asked = "\n".join(refuses(estate, name, site) for name in names)
    return asked or f"true   # no database at site {site} is followed by another: there is none to ask"


def compare(estate: Estate, name: str, old: str, new: str) -> str:
    """See that the standby has what a primary wrote last, which has ended."""
    server, place, last = estate.server(name, old), estate.plan.sites[old], "SELECT pg_last_wal_replay_lsn()"
    more = f"{psql(estate, name, new, last)}   # says more"
    if isinstance(place, HostsSite) and server.data:
        control = by_hand_on_host.control(place, server)
    elif isinstance(place, ProcessesSite) and server.data:
        ask = f"{program(estate.plan, server, 'pg_controldata')} -D {shlex.quote(str(server.data))}"
        control = by_hand.as_user(user_of(estate.plan, server), ask)
    else:
        said = "by you, for the plan does not say where its data is, or how to get there"
        return f"# at site {old}: see what pg_controldata says of its data; {said}\n{more}"
    return f"{control} | grep 'Latest checkpoint location'{THEN}{more}"


def restore(plan: Plan, name: str, source: RestoreSource) -> str:
    """Files from the newest backup, and what was there before beside them."""
    to, staged = source.to, source.to.with_name(f"{source.to.name}.by-hand")
    lines = [_restic(plan, source, staged)]
    noun = plan.datasets[name]
    if source.loader is None:
        arrived = _below(staged, _root(plan, name, source))
        lines += [_aside(to), f"mv -T {_q(arrived)} {_q(to)}"]
    elif isinstance(noun, SqliteNoun):
        dump = _below(staged, _root(plan, name, source)) / DUMP_NAME / "database.sqlite"
        aside = f"if [ -e {_q(to)}$each ]; then mv {_q(to)}$each {_q(to)}.before-by-hand$each; fi"
        lines += [f"for each in {_BESIDE}; do {aside}; done", f"mv -T {_q(dump)} {_q(to)}"]
    else:
        lines += [_shell_load(plan, name, source, staged)]
    return THEN.join(lines)


def load(estate: Estate, name: str, source: RestoreSource | StanzaSource) -> str:
    """A database emptied, and filled from the newest backup."""
    if isinstance(source, StanzaSource):
        folder = source.scratch / f"{name}.by-hand"
        return THEN.join(_fill(estate, name, source.site, _q(folder / DUMP_NAME), _stanza(source, folder)))
    staged = source.to.with_name(f"{source.to.name}.by-hand")
    lines = [_restic(estate.plan, source, staged)]
    if estate.plan.datasets[name].kind != "postgres":
        return THEN.join([*lines, _shell_load(estate.plan, name, source, staged)])
    dump = _q(_below(staged, _root(estate.plan, name, source)) / DUMP_NAME)
    return THEN.join(_fill(estate, name, source.site, dump, lines))


def _stanza(source: StanzaSource, folder: Path) -> list[str]:
    """Restored apart, brought up where nobody comes, dumped."""
    data, room = _q(folder / "data"), _q(folder)
    words = f"--stanza={shlex.quote(source.stanza.stanza)} --repo={source.stanza.repo}"
    if source.stanza.config is not None:
        words += f" --config={_q(source.stanza.config)}"
    apart = f"-c listen_addresses= -c archive_mode=off -c unix_socket_directories={room}"
    into = f"--host={room} --username={shlex.quote(source.user)} --file={_q(folder / DUMP_NAME)}"
    return [
        f"# as the user of pgBackRest, up to pg_ctl stop\nmkdir -p -m 700 {data}",
        f"pgbackrest {words} --archive-mode=off --reset-pg1-host --pg1-path={data} restore",
        f"pg_ctl -D {data} -w -t 86400 -o {shlex.quote(apart)} start",
        f"pg_dump --format=custom {into} {shlex.quote(source.database)}",
        f"pg_ctl -D {data} stop",
    ]


def _fill(estate: Estate, name: str, site: str, dump: str, lines: list[str]) -> list[str]:
    noun, server = noun_of(estate, name), estate.server(name, site)
    options = "--no-owner --exit-on-error --no-password"
    fill = f"{program(estate.plan, server, 'pg_restore')} {_at(noun, server, noun.user)} {options} {dump}"
    every = psql(estate, name, site, _EVERY_SCHEMA).replace(" -X ", " -XAt ", 1)
    return [
        *lines,
        f"{every} | {psql(estate, name, site)}",
        psql(estate, name, site, *_PUBLIC),
        by_hand.with_env(_password(noun.password), fill),
    ]


def _restic(plan: Plan, source: RestoreSource, to: Path) -> str:
    declared = plan.repositories[source.repository_name]
    if not isinstance(declared, ResticRepository):
        return f"# restore dataset {source.dataset} from repository {source.repository_name}"
    env: Env = {**_repository_password(declared.password), **declared.env}
    options = "".join(f" -o {shlex.quote(f'{key}={value}')}" for key, value in declared.options.items())
    restic = f"restic -r {shlex.quote(declared.url)}{options} --no-lock"
    which = _which(plan, source, by_hand.with_env(env, f"{restic} snapshots --json"))
    return by_hand.with_env(env, f"{restic} restore {which} --target {_q(to)}")


def _which(plan: Plan, source: RestoreSource, listed: str) -> str:
    """The snapshot. The newest by its tag alone is a manifest; a copy keeps its id of before apart."""
    if source.chosen is not None:
        known = f'"{source.chosen.snapshot_id}" in (one["id"], one.get("original"))'
        find = f'import json, sys; print(next(one["id"] for one in json.load(sys.stdin) if {known}))'
        return f"$({listed} | python3 -c {shlex.quote(find)})"
    path = _root(plan, source.dataset, source)
    if source.foreign is None:
        tag = f"dataset:{source.dataset},plan:{plan.name}"  # both: another plan may have one of that name
        return f"latest --tag {shlex.quote(tag)} --path {_q(path)}"
    tags = f" --tag {shlex.quote(','.join(source.foreign.tags))}" if source.foreign.tags else ""
    host = f" --host {shlex.quote(source.foreign.host)}" if source.foreign.host else ""
    return f"latest{tags}{host} --path {_q(path)}"


def _root(plan: Plan, name: str, source: RestoreSource) -> Path:
    """The folder that was backed up: the files themselves, or what a dump was staged in."""
    if source.foreign is not None and source.foreign.path is not None:
        return Path(source.foreign.path)
    noun = plan.datasets[name]
    return noun.path.resolve() if noun.kind == "files" else (plan.state / "staging").resolve() / name


def _shell_load(plan: Plan, name: str, source: RestoreSource, staged: Path) -> str:
    noun = plan.datasets[name]
    if noun.kind != "shell" or noun.load is None:
        return f"# load what is in {staged} into dataset {name}"
    dump = _below(staged, _root(plan, name, source)) / DUMP_NAME
    env: Env = {
        "BLACKSTART_DATASET": name,
        "BLACKSTART_SITE": source.site,
        "BLACKSTART_DUMP": str(dump),
        **noun.env,
    }
    return by_hand.told(plan.folder, env, noun.load)


def _repository_password(password: Secret) -> Env:
    if password.file is not None:
        return {"RESTIC_PASSWORD_FILE": str(password.file)}
    return {"RESTIC_PASSWORD": password}


def copy(source: Path, to: Path) -> str:
    """A folder brought to another place as it stands; what was there is kept beside it."""
    arriving = shlex.quote(f"{to}.by-hand")
    return THEN.join(
        [f"cp -aT {_q(source)} {arriving}", _aside(to), f"mv -T {arriving} {_q(to)}"],
    )


def _aside(to: Path) -> str:
    return f"if [ -e {_q(to)} ]; then mv -T {_q(to)} {shlex.quote(f'{to}.before-by-hand')}; fi"


def _password(password: Secret | None) -> Env:
    return {"PGPASSWORD": password} if password is not None else {}


def _at(noun: PostgresDataset, server: PostgresServer, user: str) -> str:
    words = ["-h", server.host, "-p", str(server.port), "-U", user, "-d", noun.database]
    return shlex.join(words)


def user_of(plan: Plan, server: PostgresServer) -> str | None:
    site = plan.sites[server.site]
    return site.processes[server.process].user if site.kind == "processes" and server.process else None


def noun_of(estate: Estate, name: str) -> PostgresDataset:
    noun = estate.plan.datasets[name]
    if not isinstance(noun, PostgresDataset):
        raise PlanError(f'dataset "{name}" is of kind {noun.kind}, not postgres')
    return noun


def _below(staged: Path, root: Path) -> Path:
    return staged / root.relative_to("/")


def _q(path: Path) -> str:
    return shlex.quote(str(path))
