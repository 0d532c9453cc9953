"""A Prefect server on this machine with process workers, for the demo: on loopback, gone when we are.

The server and the workers outside the sites are a site of their own, which is lost whole together with
the process that started it. The workers of a site run inside that site.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.server.prefect_settings import settings
from sites.drivers import command
from sites.drivers.processes.readiness import HttpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.errors import SiteError

SERVER = "server"
START_SECONDS = 90.0
DEPLOY_SECONDS = 60.0
MIGRATE_SECONDS = 120.0
_ATTEMPTS = 3


class LocalServer:
    """`folder` holds its database and logs. `empty_database` is one to begin with, see there.

    Without `schedules` deployments keep theirs, but nothing starts by itself.
    """

    def __init__(self, folder: Path, *, empty_database: Path | None = None, schedules: bool = False) -> None:
        self.folder = folder
        self._schedules = schedules
        self._empty_database = empty_database
        self._site: ProcessSite | None = None
        self.settings: dict[str, str] = {}

    @property
    def database(self) -> Path:
        return self.folder / "prefect.db"

    def start(self) -> None:
        """Start the server and return once it answers. Raises SiteError with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._empty_database is not None:
            shutil.copyfile(self._empty_database, self.database)
        for attempt in range(_ATTEMPTS):
            try:
                self._start(_free_port())
            except SiteError as error:
                self.stop()
                # between our asking for a free port and the server's taking it, somebody else may have come
                if attempt == _ATTEMPTS - 1 or "already in use" not in str(error):
                    raise
            else:
                return

    def start_worker(self, pool: str, site: ProcessSite | None = None, **env: str) -> None:
        """Start a worker for `pool` inside `site`, or outside all sites. `env`: what its flows need."""
        where = site or self._site
        if where is None:
            raise SiteError("the Prefect server was not started")
        argv = (sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process")
        room = self.folder / "tmp"  # what its runs leave in their temporary folder goes with ours
        room.mkdir(exist_ok=True)
        env = {**self.settings, "TMPDIR": str(room), **env}
        where.launch(f"worker-{pool}", ProcessSpec(argv, env=env, cwd=where.path))

    def deploy(self, prefect_yaml: Path, **env: str) -> None:
        """Apply every deployment in `prefect_yaml`. Raises CommandError with what Prefect said."""
        command.run(
            [
                sys.executable,
                "-m",
                "prefect",
                "--no-prompt",
                "deploy",
                "--all",
                "--prefect-file",
                prefect_yaml,
            ],
            env={**self.settings, **env},
            cwd=self.folder,
            limit_seconds=DEPLOY_SECONDS,
        )

    def stop(self) -> None:
        """End the server and every worker and run outside the sites; no effect if there are none."""
        if self._site is not None:
            self._site.down()
            self._site = None

    def log(self, process: str = SERVER) -> str:
        return self._site.log(process) if self._site is not None else ""

    def _start(self, port: int) -> None:
        address = f"http://127.0.0.1:{port}/api"
        self.settings = settings(self.folder, address, schedules=self._schedules)
        argv = ["-m", "prefect", "server", "start", "--no-ui", "--host", "127.0.0.1", "--port", str(port)]
        server = ProcessSpec(
            (sys.executable, *argv),
            env=self.settings,
            cwd=self.folder,
            ready=HttpReady(f"{address}/health"),
            ready_seconds=START_SECONDS,
        )
        # its own PID namespace would hide the sites from the drill that runs in here
        self._site = ProcessSite(
            "outside", self.folder / "outside", {SERVER: server}, until_pid=os.getpid(), namespace=False
        )
        self._site.up()


def empty_database(folder: Path) -> Path:
    """An empty database of the installed Prefect, made in `folder` once: its migrations take 10 s a time."""
    made = folder / f"prefect-{version('prefect')}.db"
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as room:
        making = Path(room).absolute()
        command.run(
            [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
            env=settings(making, ""),
            cwd=making,
            limit_seconds=MIGRATE_SECONDS,
        )
        (making / "prefect.db").rename(made)
    return made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    empty_database(Path(".blackstart"))
