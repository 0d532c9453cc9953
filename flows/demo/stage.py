"""The stage of the demo: two sites built and running, a Prefect server with its workers; gone afterwards."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol

from drills.recover import close_unfinished
from flows.server.local_server import LocalServer, empty_database
from flows.terminal.console import Console
from flows.terminal.interruption import ended_like_interrupted
from rto_rpo.evidence.lines.signature import new_key
from sites.errors import BlackstartError
from sites.estate import Estate

POOLS = ("primary", "dr", "outside")
KEY_NAME = "evidence.pem"
# PostgreSQL's user has to get there, which it cannot below most home folders.
_ROOM = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a folder of our own in it
_FLOWS = Path(__file__).resolve().parents[1]


class Desk(Protocol):
    """The example as its own program builds it: examples/trading_desk/desk.py."""

    folder: Path
    variables: Mapping[str, str]

    def estate(self) -> Estate: ...
    def up(self) -> None: ...
    def down(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stage:
    desk: Desk
    server: LocalServer

    @property
    def estate(self) -> Estate:
        return self.desk.estate()


@contextmanager
def stage(evidence: Path, state: Path, console: Console, program: str = "desk") -> Iterator[Stage]:
    """Both sites, the server and its workers, for as long as the block lasts.

    `state` keeps the signing key and an empty database of Prefect from one demo to the next. Everything
    else lies in a folder of its own. `program` is the one of the example that builds the desk. This process
    becomes a client of the server.
    Raises a BlackstartError when it cannot be set up.
    """
    example = _example(program)
    os.environ["BLACKSTART_EVIDENCE"] = str(evidence.absolute())
    with ended_like_interrupted(), _room() as room:
        (room / "desk" / "secrets").mkdir(parents=True)
        shutil.copyfile(_key(state), room / "desk" / "secrets" / KEY_NAME)
        (room / "desk" / "secrets" / KEY_NAME).chmod(0o600)
        server = LocalServer(room / "prefect", empty_database=empty_database(state))
        desk: Desk | None = None
        try:
            with ThreadPoolExecutor(1) as beside:
                serving = beside.submit(_serve, server, example.PLAN, console)
                desk = example.build(room / "desk")
                desk.up()
                console.passed(f"Built two sites in {desk.folder}, the standby in step with its primary")
                serving.result()
            # not beside the deploying: all of it writes to one SQLite file, and nobody would be done earlier
            _start_workers(server, desk)
            yield Stage(desk, server)
        finally:
            console.step("Taking everything down")
            _all([server.stop, *([desk.down] if desk is not None else [])])
            if desk is not None:
                close_unfinished(desk.estate().plan)  # of a drill that was broken off


def _serve(server: LocalServer, plan: Path, console: Console) -> None:
    server.start()
    _become_client(server.settings)
    from flows.server.requesting import make_pools

    make_pools(POOLS)
    server.deploy(_prefect_yaml(), BLACKSTART_PLAN=str(plan))
    console.passed(f"Started a Prefect server at {server.settings['PREFECT_API_URL']}, flows deployed")


def _start_workers(server: LocalServer, desk: Desk) -> None:
    env = {**desk.variables, "BLACKSTART_EVIDENCE": os.environ["BLACKSTART_EVIDENCE"]}
    estate = desk.estate()
    for pool in POOLS:
        site = estate.plan.sites.get(pool)
        # a worker is a process of this machine: in a site of containers it has no place
        inside = site is not None and site.kind == "processes"
        server.start_worker(pool, estate.processes(pool) if inside else None, **env)


def _become_client(settings: Mapping[str, str]) -> None:
    """Forget whatever server this machine's user has, before Prefect is imported."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ.update(settings)


def _example(program: str) -> ModuleType:
    """A program of the example: in the source, or in what was installed."""
    for folder in (_FLOWS.parent / "examples" / "trading_desk", _FLOWS / "trading_desk"):
        if (folder / "desk.py").is_file():
            sys.path.append(str(folder))
            return importlib.import_module(program)
    raise BlackstartError("the trading desk example is not here", hint="it comes with blackstart's source")


def _prefect_yaml() -> Path:
    installed = _FLOWS / "prefect.yaml"
    return installed if installed.is_file() else _FLOWS.parent / "prefect.yaml"


def _key(state: Path) -> Path:
    """The key that signs every demo's evidence, made once."""
    path = state / KEY_NAME
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        new_key(path)
    return path


@contextmanager
def _room() -> Iterator[Path]:
    room = Path(tempfile.mkdtemp(prefix="blackstart-", dir=_ROOM if _ROOM.is_dir() else None))
    room.chmod(0o755)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _all(acts: Sequence[Callable[[], None]]) -> None:
    """Do every one of them, side by side; the first error is raised when all are over."""
    with ThreadPoolExecutor(len(acts)) as pool:
        done = [pool.submit(act) for act in acts]
    for one in done:
        one.result()
