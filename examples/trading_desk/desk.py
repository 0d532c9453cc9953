"""The whole trading desk: builds it in a folder, brings it up, takes it down.

    python desk.py up FOLDER       build it if it is not there, run it until interrupted
    python desk.py env FOLDER      print what blackstart has to know of it, for `eval`
    python desk.py down FOLDER     stop what an `up --background` left running

Two sites as the plan has them, and outside both: the venue and the public endpoint. Everything
listens on the loopback. From Python, with this folder on sys.path: build(), Desk.up(), Desk.down().
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import databases
from ports import free_ports

from rto_rpo.evidence.lines.signature import new_key
from sites.drivers import command
from sites.drivers.postgres.leftovers import release_leftovers
from sites.drivers.postgres.programs import find_programs, programs_for, unprivileged_user
from sites.drivers.processes.readiness import TcpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import BlackstartError, SiteError
from sites.estate import Estate
from sites.plan import Plan, load

HERE = Path(__file__).parent
PLAN = HERE / "plan.yaml"
SERVERS = ("PRIMARY_PG", "DR_PG", "PRIMARY_GATEWAY", "DR_GATEWAY", "PUBLIC", "VENUE")
SECRETS = ("admin", "replicator", "blackstart", "gateway", "restic")
FILES_SECONDS_MAX = 60.0
IN_SYNC_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk that was built. `variables` are those of its plan.

    `until_pid`: what is brought up is lost as soon as that process is gone; None: it stays.
    """

    folder: Path
    variables: Mapping[str, str]
    environ: Mapping[str, str] = field(repr=False)
    until_pid: int | None

    @property
    def plan(self) -> Plan:
        return load(PLAN, {**self.environ, **self.variables})

    def estate(self) -> Estate:
        return Estate(self.plan, until_pid=self.until_pid)

    def outside(self) -> ProcessSite:
        """What is not the desk's own and no drill may touch."""
        port, public = self.variables["VENUE_PORT"], self.variables["PUBLIC_PORT"]
        venue = _program("venue", "--port", port, "--book", self.folder / "outside" / "venue-book")
        endpoint = _program("forwarder", "--port", public, "--target", self.folder / "endpoint")
        specs = {
            "venue": ProcessSpec(venue, ready=TcpReady(f"127.0.0.1:{port}")),
            "endpoint": ProcessSpec(endpoint, ready=TcpReady(f"127.0.0.1:{public}")),
        }
        return ProcessSite("outside", self.folder / "outside", specs, until_pid=self.until_pid)

    def up(self) -> None:
        """Bring everything up; return once the standby follows. No effect on what is up.

        Raises SiteError for a desk that was failed over: its primary must not come back by itself.
        """
        estate = self.estate()
        primary, dr = estate.site("primary"), estate.site("dr")
        if (self.folder / "endpoint").read_text().strip() != self.primary_gateway:
            raise SiteError(
                f"cannot bring the desk in {self.folder} up: it was failed over, and its old primary would "
                "take writes again",
                hint="build another one in another folder",
            )
        at_once(self.outside().up, dr.up, primary.up)
        proof = estate.postgres("orders").wait_until_in_sync(limit_seconds=IN_SYNC_SECONDS_MAX)
        if not proof.holds:
            raise SiteError(f"the desk in {self.folder} is up, but its standby does not follow: {proof.how}")

    def down(self) -> None:
        """Stop everything, and give back what a killed server could not. No effect on what is not up."""
        estate = self.estate()
        at_once(estate.site("primary").down, estate.site("dr").down, self.outside().down)
        for site in ("primary", "dr"):
            release_leftovers(self.folder / site / "pgdata")

    @property
    def primary_gateway(self) -> str:
        return f"127.0.0.1:{self.variables['PRIMARY_GATEWAY_PORT']}"


def build(
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    synchronous: bool = True,
    survive: bool = False,
    seed: int = 7,
) -> Desk:
    """Make a desk in a new folder, which PostgreSQL's user must be able to enter; see `up`.

    Returns with both databases and what is outside running already. A key that is in the folder as
    secrets/evidence.pem is kept. With `survive` it outlives this process. Raises a BlackstartError.
    """
    folder = folder.absolute()
    if (folder / "secrets" / SECRETS[0]).exists():
        raise SiteError(f"cannot build a desk in {folder}: one is there", hint="take another folder")
    for name in ("secrets", "outside", "primary", "dr", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    passwords = make_secrets(folder / "secrets")
    user = unprivileged_user()
    programs = programs_for(find_programs(), user)
    variables = {
        "DESK": str(folder),
        "PG_BIN": str(programs.folder),
        "PG_USER": user or getpass.getuser(),
        "PYTHON": sys.executable,
        "SYNCHRONOUS": str(synchronous).lower(),
        **{f"{name}_PORT": str(port) for name, port in zip(SERVERS, free_ports(len(SERVERS)), strict=True)},
    }
    desk = Desk(folder, variables, environ, None if survive else os.getpid())
    (folder / "endpoint").write_text(desk.primary_gateway + "\n")
    until_pid = desk.until_pid
    make_databases = partial(databases.create, desk.estate(), passwords, programs, user, until_pid)
    try:
        at_once(make_databases, partial(make_files, folder / "primary", seed), desk.outside().up)
    except BaseException:
        desk.down()
        raise
    (folder / "desk.json").write_text(json.dumps(variables, indent=2) + "\n")
    return desk


def find(folder: Path, environ: Mapping[str, str] = os.environ, *, survive: bool = False) -> Desk:
    """The desk that was built in a folder. Raises SiteError when there is none."""
    folder = folder.absolute()
    try:
        variables = json.loads((folder / "desk.json").read_text())
    except FileNotFoundError:
        raise SiteError(f"there is no desk in {folder}", hint="`desk.py up` builds one") from None
    return Desk(folder, variables, environ, None if survive else os.getpid())


def make_secrets(folder: Path) -> dict[str, str]:
    """Passwords by name, each in a file of its own that only we can read, and the key for the evidence."""
    folder.chmod(0o700)
    made = {name: secrets.token_urlsafe(24) for name in SECRETS}
    for name, value in made.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")
    if not (folder / "evidence.pem").exists():
        new_key(folder / "evidence.pem")
    return made


def make_files(site: Path, seed: int) -> None:
    where = ("--strategies", str(site / "strategies"), "--ticks", str(site / "ticks"), "--seed", str(seed))
    command.run(_program("market_data", *where), limit_seconds=FILES_SECONDS_MAX)


def _program(name: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, str(HERE / f"{name}.py"), *map(str, arguments))


def at_once(*acts: Callable[[], None]) -> None:
    """Do all of it side by side; the first error is raised when the last one is done."""
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


def main() -> int:
    parser = argparse.ArgumentParser(description="build and run the trading desk example")
    parser.add_argument("act", choices=("up", "down", "env"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--asynchronous", action="store_true", help="build it so that no commit waits")
    parser.add_argument("--background", action="store_true", help="return, and leave it running")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell that starts it in the background ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    try:
        return _do(options)
    except KeyboardInterrupt:
        return 0 if options.act == "up" else 130
    except BlackstartError as error:
        print(f"{error}\nhint: {error.hint}" if error.hint else error, file=sys.stderr)
        return error.exit_code


def _do(options: argparse.Namespace) -> int:
    if options.act == "up":
        return _up(options)
    desk = find(options.folder, survive=options.background)
    if options.act == "down":
        desk.down()
    else:
        _tell(desk)
    return 0


def _up(options: argparse.Namespace) -> int:
    if (options.folder / "desk.json").exists():
        desk = find(options.folder, survive=options.background)
    else:
        desk = build(options.folder, synchronous=not options.asynchronous, survive=options.background)
    try:
        desk.up()
        _tell(desk)
        while not options.background:
            signal.pause()
    except BaseException:
        desk.down()
        raise
    return 0


def _tell(desk: Desk) -> None:
    """What a shell has to know to speak to it."""
    # evidence is signed with the desk's own key, and a chain takes one key only
    evidence = os.environ.get("BLACKSTART_EVIDENCE", str(desk.folder / "evidence"))
    told = {**desk.variables, "BLACKSTART_PLAN": str(PLAN), "BLACKSTART_EVIDENCE": evidence}
    for name, value in told.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
