"""The trading desk as two sites of containers, which compose.yaml declares and plan-containers.yaml drills.

    python container_desk.py up FOLDER       make it, start it, and leave it running
    python container_desk.py env FOLDER      print what blackstart has to know of it, for `eval`
    python container_desk.py down FOLDER     remove its containers, networks and volumes

From Python, with this folder on sys.path: build(), ContainerDesk.up(), ContainerDesk.down().
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import databases
from desk import HERE, IN_SYNC_SECONDS_MAX, SERVERS, at_once, make_files, make_secrets
from ports import free_ports

from sites.drivers.containers.composition import read
from sites.drivers.containers.daemon import Daemon
from sites.drivers.containers.project import Project
from sites.drivers.containers.site import ContainerSite, ContainerSpec
from sites.drivers.postgres.configuration import ServerSettings, server_file
from sites.drivers.processes.readiness import HttpReady
from sites.errors import BlackstartError, SiteError
from sites.estate import Estate
from sites.plan import Plan, load

PLAN = HERE / "plan-containers.yaml"
COMPOSE = HERE / "compose.yaml"
ACCESS = "host all all 0.0.0.0/0 scram-sha-256\nhost replication replicator 0.0.0.0/0 scram-sha-256\n"
STREAMING_STANDBYS = {"primary": "FIRST 1 (dr)", "dr": ""}
PRIMARY_GATEWAY = "primary-gateway:8080"


@dataclass(frozen=True, slots=True)
class ContainerDesk:
    """A desk that was built. `variables` are those of its plan and of compose.yaml."""

    folder: Path
    variables: Mapping[str, str]
    environ: Mapping[str, str] = field(repr=False)

    @property
    def plan(self) -> Plan:
        return load(PLAN, {**self.environ, **self.variables})

    def estate(self) -> Estate:
        return Estate(self.plan)

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.variables["DOCKER_HOST"])

    def project(self) -> Project:
        return Project(self.variables["PROJECT"], read(COMPOSE, self.variables), HERE, self.daemon)

    def outside(self) -> ContainerSite:
        """What is not the desk's own and no drill may touch."""
        venue = HttpReady(f"http://127.0.0.1:{self.variables['VENUE_PORT']}/health")
        specs = {"venue": ContainerSpec(ready=venue), "endpoint": ContainerSpec()}
        label = f"{self.variables['PROJECT']}/outside"
        return ContainerSite("outside", self.folder / "outside", label, specs, self.daemon)

    def up(self) -> None:
        """Start everything; return once the standby follows. No effect on what is up.

        Raises SiteError for a desk that was failed over: its primary must not come back by itself.
        """
        if (self.folder / "public" / "endpoint").read_text().strip() != PRIMARY_GATEWAY:
            raise SiteError(
                f"cannot bring the desk in {self.folder} up: it was failed over, and its old primary would "
                "take writes again",
                hint="build another one in another folder",
            )
        estate = self.estate()
        at_once(self.outside().up, estate.site("dr").up, estate.site("primary").up)
        proof = estate.postgres("orders").wait_until_in_sync(limit_seconds=IN_SYNC_SECONDS_MAX)
        if not proof.holds:
            raise SiteError(f"the desk in {self.folder} is up, but its standby does not follow: {proof.how}")

    def down(self) -> None:
        """Remove all of it but its folder. No effect where there is nothing."""
        self.project().remove()


def build(folder: Path, environ: Mapping[str, str] = os.environ, *, seed: int = 7) -> ContainerDesk:
    """Make a desk in a new folder; see `up`. Returns with both databases running already.

    A key that is in the folder as secrets/evidence.pem is kept. Raises a BlackstartError.
    """
    folder = folder.absolute()
    if (folder / "desk.json").exists():
        raise SiteError(f"cannot build a desk in {folder}: one is there", hint="take another folder")
    for name in ("secrets", "outside", "public", "primary", "dr", "state", "conf/primary", "conf/dr"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    passwords = make_secrets(folder / "secrets")
    desk = ContainerDesk(folder, _variables(folder, environ), environ)
    (folder / "desk.json").write_text(json.dumps(dict(desk.variables), indent=2) + "\n")
    (folder / "public" / "endpoint").write_text(PRIMARY_GATEWAY + "\n")
    for name, standbys in STREAMING_STANDBYS.items():
        settings = ServerSettings(name, 5432, "*", synchronous_standbys=standbys)
        (folder / "conf" / name / "postgresql.conf").write_text(server_file(settings))
        (folder / "conf" / name / "pg_hba.conf").write_text(ACCESS)
    try:
        make_files(folder / "primary", seed)
        desk.project().create()
        _start_databases(desk, passwords)
    except BaseException:
        desk.down()
        raise
    return desk


def _variables(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    ports = zip(SERVERS, free_ports(len(SERVERS)), strict=True)
    return {
        "DESK": str(folder),
        "DESK_USER": f"{os.getuid()}:{os.getgid()}",
        "PROJECT": f"blackstart-desk-{uuid.uuid4().hex[:8]}",
        "BASE": environ.get("BASE") or "debian:bookworm-slim",
        "DOCKER_HOST": environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock",
        "PYTHON": sys.executable,
        **{f"{name}_PORT": str(port) for name, port in ports},
    }


def _start_databases(desk: ContainerDesk, passwords: Mapping[str, str]) -> None:
    """The primary with its roles; then the standby, which copies it when it starts for the first time."""
    estate = desk.estate()
    estate.site("primary").up(only=["postgres"])
    place = estate.server("orders", "primary")
    databases.arm_once_started((place.host, place.port), passwords)
    databases.add_gateway((place.host, place.port), passwords)
    estate.site("dr").up(only=["postgres"])


def find(folder: Path, environ: Mapping[str, str] = os.environ) -> ContainerDesk:
    """The desk that was built in a folder. Raises SiteError when there is none."""
    folder = folder.absolute()
    try:
        variables = json.loads((folder / "desk.json").read_text())
    except FileNotFoundError:
        raise SiteError(f"there is no desk in {folder}", hint="`container_desk.py up` builds one") from None
    return ContainerDesk(folder, variables, environ)


def main() -> int:
    parser = argparse.ArgumentParser(description="the trading desk example as two sites of containers")
    parser.add_argument("act", choices=("up", "down", "env"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        return _do(options.act, options.folder)
    except BlackstartError as error:
        print(f"{error}\nhint: {error.hint}" if error.hint else error, file=sys.stderr)
        return error.exit_code


def _do(act: str, folder: Path) -> int:
    desk = build(folder) if act == "up" and not (folder / "desk.json").exists() else find(folder)
    if act == "down":
        desk.down()
        return 0
    if act == "up":
        desk.up()
    evidence = os.environ.get("BLACKSTART_EVIDENCE", str(desk.folder / "evidence"))
    told = {**desk.variables, "BLACKSTART_PLAN": str(PLAN), "BLACKSTART_EVIDENCE": evidence}
    for name, value in told.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
