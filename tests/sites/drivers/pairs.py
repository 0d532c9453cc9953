"""A real primary and its streaming standby, each in a site of its own, made quickly from a template."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from sites.drivers.postgres.configuration import ServerSettings, Upstream
from sites.drivers.postgres.dataset import PostgresDataset
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.leftovers import release_leftovers
from sites.drivers.postgres.programs import unprivileged_user
from sites.drivers.postgres.rejoin import Rejoining, Replicator
from sites.drivers.postgres.roles import arm
from sites.drivers.postgres.server import REPLICATOR, PostgresServer
from sites.drivers.processes.site import ProcessSite
from tests.sites.drivers.majors import chosen

LOOPBACK = "127.0.0.1"
ADMIN_PASSWORD = "admin's \\ swordfish"
PASSWORD = "owner: 'swordfish'"
REPLICATION_PASSWORD = "replicator:swordfish\\"
REPLICATION = Replicator(REPLICATOR, REPLICATION_PASSWORD)
SECRETS = (ADMIN_PASSWORD, PASSWORD, REPLICATION_PASSWORD)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sites that are up, and the dataset that spans them."""

    folder: Path
    primary: ProcessSite
    dr: ProcessSite
    dataset: PostgresDataset
    servers: dict[str, PostgresServer]
    wired: str | None = None

    def kill(self) -> None:
        self.primary.kill()
        self.dr.kill()
        for server in self.servers.values():
            release_leftovers(server.data)

    def site(self, name: str) -> ProcessSite:
        return {"primary": self.primary, "dr": self.dr}[name]

    def rejoining(self, name: str) -> Rejoining:
        server = self.servers[name]
        return Rejoining(name, DataFolder(server.data, server.programs, server.user), REPLICATION)

    def log(self, site: str) -> str:
        return (self.folder / site / "logs/postgres.log").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def server(folder: Path, name: str, settings: ServerSettings) -> PostgresServer:
    return PostgresServer(settings, data=folder / name / "data", programs=chosen(), user=unprivileged_user())


def make_template(folder: Path) -> None:
    """Two data folders of a synchronous pair, both shut down in good order."""
    primary = server(folder, "primary", ServerSettings("primary", free_port()))
    dr = server(folder, "dr", ServerSettings("dr", free_port()))
    primary.create_primary(admin_password=ADMIN_PASSWORD, wal_segment_mb=1)  # less to copy for each pair
    pair = _raise(folder, {"primary": primary, "dr": dr}, synchronous=False, namespace=None, up=())
    address = (LOOPBACK, primary.settings.port)
    try:
        pair.primary.up()
        arm(
            address,
            admin_password=ADMIN_PASSWORD,
            database="desk",
            user="blackstart",
            password=PASSWORD,
            replication_password=REPLICATION_PASSWORD,
        )
        dr.create_standby(primary=address, slot="dr", replication_password=REPLICATION_PASSWORD)
        pair.dr.up()
        assert pair.dataset.wait_until_in_sync(limit_seconds=20).holds
        pair.primary.down()
        pair.dr.down()
    finally:
        pair.kill()


def make_pair(
    template: Path,
    folder: Path,
    *,
    synchronous: bool,
    namespace: bool | None = None,
    wired: str | None = None,
) -> Pair:
    """Copy the template and bring it up on ports of its own. `wired`: the primary in a network of its own."""
    for name in ("primary", "dr"):
        (folder / name).mkdir()
        shutil.copytree(template / name / "data", folder / name / "data", copy_function=_copy)
        shutil.copystat(template / name / "data", folder / name / "data")
        _give(folder / name / "data", template / name / "data")
    shutil.copy2(template / "dr/data.passfile", folder / "dr/data.passfile")
    _give(folder / "dr/data.passfile", template / "dr/data.passfile")
    settings = ServerSettings("primary", free_port(), host=wired or LOOPBACK)
    if synchronous:
        settings = replace(settings, synchronous_standbys="FIRST 1 (dr)")
    primary = server(folder, "primary", settings)
    dr = server(folder, "dr", ServerSettings("dr", free_port()))
    primary.configure()
    if wired:
        with (primary.data / "pg_hba.conf").open("a") as access:
            access.write(
                f"host all all {wired}/30 scram-sha-256\nhost replication all {wired}/30 scram-sha-256\n"
            )
    dr.configure(Upstream(settings.host, settings.port, REPLICATOR, "dr", str(folder / "dr/data.passfile")))
    pair = _raise(
        folder,
        {"primary": primary, "dr": dr},
        synchronous=synchronous,
        namespace=namespace,
        up=("primary", "dr"),
        wired=wired,
    )
    proof = pair.dataset.wait_until_in_sync(limit_seconds=20)
    assert proof.holds, proof
    return pair


def _raise(
    folder: Path,
    servers: dict[str, PostgresServer],
    *,
    synchronous: bool,
    namespace: bool | None,
    up: tuple[str, ...],
    wired: str | None = None,
) -> Pair:
    sites = {
        name: ProcessSite(
            name,
            folder / name,
            {"postgres": made.process()},
            until_pid=os.getpid(),
            namespace=namespace,
            network=IPv4Address(wired) if wired and name == "primary" else None,
        )
        for name, made in servers.items()
    }
    for name in up:
        sites[name].up()
    dataset = PostgresDataset(
        "orders",
        "desk",
        "blackstart",
        PASSWORD,
        {name: (made.settings.host, made.settings.port) for name, made in servers.items()},
        synchronous=synchronous,
        replicator=lambda: REPLICATION,
        programs=servers["primary"].programs,
        gone=lambda site: sites[site].proven_gone(),
    )
    return Pair(folder, sites["primary"], sites["dr"], dataset, servers, wired)


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target)
    _give(Path(target), Path(source))


def _give(target: Path, source: Path) -> None:
    """Ownership goes along: the server refuses a folder that is not its user's own."""
    if os.geteuid() != 0:
        return
    owner = source.stat()
    os.chown(target, owner.st_uid, owner.st_gid)
    if target.is_dir():
        for inner in target.rglob("*"):
            if inner.is_dir():
                os.chown(inner, owner.st_uid, owner.st_gid)
