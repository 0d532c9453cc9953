"""Faults of sites, on real processes: in force when they say so, and gone without a trace."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drills.faults.kill_site import KillSite
from drills.guard import check_health
from sites.errors import CommandError, GuardError
from sites.estate import Estate
from sites.recovery.fence import Fences
from tests.drills.faults.conftest import estate_of
from tests.drills.faults.injecting import check_healed, fault, inject
from tests.sites import shell_store
from tests.sites.shell_store import ShellStore
from tests.sites.wire import no_wire, wired_address

SITES = {"site": "primary"}


@pytest.mark.cell("kill_site", "processes", "none")
def test_a_killed_site_comes_back_with_what_ran(sleeping: Estate) -> None:
    injected = inject(sleeping, kind="kill_site", **SITES)
    assert sleeping.site("primary").running() == {}
    assert check_healed(injected).how.startswith('site "primary" runs again')


@pytest.mark.cell("kill_service", "processes", "none")
def test_a_killed_process_takes_its_children_along_and_nobody_else(tmp_path: Path) -> None:
    shell = {"command": ["sh", "-c", "sleep 600 & sleep 600"]}
    site = {
        "kind": "processes",
        "drills": True,
        "processes": {"gateway": shell, "other": {"command": ["sleep", "600"]}},
    }
    estate = estate_of(
        tmp_path, sites={name: site | {"path": str(tmp_path / name)} for name in ("primary", "dr")}
    )
    estate.site("primary").up()
    try:
        record = estate.site("primary")._record()
        assert record is not None
        injected = inject(estate, kind="kill_service", process="gateway", **SITES)
        assert [entry.name for entry in record.everyone()] == ["sleep"]
        assert list(estate.site("primary").running()) == ["other"]
        check_healed(injected)
        assert set(estate.site("primary").running()) == {"gateway", "other"}
    finally:
        estate.site("primary").kill()


def test_a_site_comes_back_without_what_was_stopped_before(sleeping: Estate) -> None:
    sleeping.site("primary").stop("gateway")
    check_healed(inject(sleeping, kind="kill_site", **SITES))
    assert list(sleeping.site("primary").running()) == ["postgres"]


@pytest.mark.parametrize("kind", ["kill_service", "stop_service"])
def test_what_ended_for_want_of_the_lost_process_is_started_too(sleeping: Estate, kind: str) -> None:
    """And what did not run before is not."""
    injected = inject(sleeping, kind=kind, process="postgres", **SITES)
    sleeping.site("primary").stop("gateway")
    check_healed(injected)
    assert set(sleeping.site("primary").running()) == {"postgres", "gateway"}
    sleeping.site("primary").stop("gateway")
    check_healed(inject(sleeping, kind=kind, process="postgres", **SITES))
    assert list(sleeping.site("primary").running()) == ["postgres"]


@pytest.mark.cell("stop_service", "processes", "none")
def test_a_stopped_process_is_started_again(sleeping: Estate) -> None:
    injected = inject(sleeping, kind="stop_service", process="gateway", **SITES)
    assert list(sleeping.site("primary").running()) == ["postgres"]
    check_healed(injected)


def test_a_process_that_does_not_run_cannot_be_lost(sleeping: Estate) -> None:
    sleeping.site("primary").stop("gateway")
    for kind in ("kill_service", "stop_service"):
        with pytest.raises(GuardError, match='process "gateway" at site "primary": it does not run'):
            fault(sleeping, kind=kind, process="gateway", **SITES).ready()


@contextmanager
def listening_site(folder: Path, wired: str | None = None) -> Iterator[tuple[Estate, int]]:
    """A site with a server that answers every connection at once; `wired`: in a network of its own."""
    host = wired or "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    code = (
        "import socketserver as s\n"
        "class H(s.BaseRequestHandler):\n"
        "  def handle(self): self.request.sendall(b'here')\n"
        f"s.ThreadingTCPServer(('{host}', {port}), H).serve_forever()"
    )
    ready = {"kind": "tcp", "host": host, "port": port}
    server = {"command": ["python3", "-c", code], "ready": ready}
    site = {"kind": "processes", "drills": True, "processes": {"server": server}}
    sites = {name: site | {"path": str(folder / name)} for name in ("primary", "dr")}
    sites["primary"] |= {"network": wired} if wired else {}
    estate = estate_of(folder, sites=sites)
    estate.site("primary").up()
    try:
        yield estate, port
    finally:
        estate.site("primary").kill()


def answer(port: int, limit_seconds: float, host: str = "127.0.0.1") -> bytes | None:
    """What the server says; None if it is silent that long, be it by not even accepting."""
    try:
        with socket.create_connection((host, port), timeout=limit_seconds) as line:
            return line.recv(10)
    except TimeoutError:
        return None


@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.cell("partition", "processes", "none")
@pytest.mark.parametrize("direction", ["both", "inbound", "outbound"])
def test_a_site_that_is_cut_off_is_silent(tmp_path: Path, direction: str) -> None:
    at = wired_address()
    with listening_site(tmp_path, at) as (estate, port):
        assert answer(port, 10, at) == b"here"
        injected = inject(estate, kind="partition", direction=direction, **SITES)
        assert answer(port, 0.3, at) is None
        check_healed(injected)
        assert answer(port, 10, at) == b"here"


@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
def test_a_site_that_was_cut_off_and_fenced_is_killed_before_it_is_reconnected(tmp_path: Path) -> None:
    with listening_site(tmp_path, wired_address()) as (estate, _):
        injected = inject(estate, kind="partition", **SITES)
        Fences(estate.state).raise_("primary", "failover")
        assert injected.heal().undone == "reverted, fenced"
        assert estate.site("primary").proven_gone().holds


@pytest.mark.cell("pause_site", "processes", "none")
def test_a_paused_site_accepts_and_never_answers(tmp_path: Path) -> None:
    with listening_site(tmp_path) as (estate, port):
        assert answer(port, 10) == b"here"
        injected = inject(estate, kind="pause_site", **SITES)
        assert answer(port, 0.3) is None
        check_healed(injected)
        assert answer(port, 10) == b"here"


def test_a_paused_site_that_was_fenced_meanwhile_is_killed_and_never_revived(sleeping: Estate) -> None:
    injected = inject(sleeping, kind="pause_site", **SITES)
    Fences(sleeping.state).raise_("primary", "failover")
    assert injected.heal().undone == "reverted, fenced"
    assert sleeping.site("primary").proven_gone().holds


def test_a_paused_site_that_is_gone_is_no_failure(sleeping: Estate) -> None:
    injected = inject(sleeping, kind="pause_site", **SITES)
    sleeping.site("primary").kill()
    assert injected.heal().undone in ("target_gone", "reverted")


def test_what_a_site_cannot_do_is_refused(sleeping: Estate) -> None:
    with pytest.raises(GuardError, match='cannot cut off site "primary"'):
        fault(sleeping, kind="partition", **SITES).ready()
    assert isinstance(fault(sleeping, kind="kill_site", **SITES), KillSite)


@pytest.fixture
def of_commands(tmp_path: Path) -> Iterator[tuple[Estate, ShellStore]]:
    """A dataset of the user's own commands, which takes writes at the primary and has a copy at the other."""
    store = ShellStore(tmp_path / "store")
    estate = estate_of(tmp_path, datasets={"fills": shell_store.declared(store.root)})
    estate.site("primary").up()
    yield estate, store
    estate.site("primary").kill()


@pytest.mark.parametrize("kind", ["kill_site", "pause_site"])
def test_a_database_of_commands_is_no_second_writer_either(
    of_commands: tuple[Estate, ShellStore], kind: str
) -> None:
    """Whoever promoted its copy: it is asked before anything comes back, as any other."""
    estate, store = of_commands
    injected = inject(estate, kind=kind, **SITES)
    store.dataset.promote("dr", limit_seconds=20)
    healing = injected.heal()
    assert (healing.undone, 'dataset "fills" takes writes at site "dr"' in healing.how) == (
        "reverted, fenced",
        True,
    )
    assert estate.site("primary").proven_gone().holds
    assert Fences(estate.state).raised("primary")


def test_a_copy_of_commands_that_cannot_be_asked_leaves_it_stuck(
    of_commands: tuple[Estate, ShellStore],
) -> None:
    estate, store = of_commands
    injected = inject(estate, kind="kill_site", **SITES)
    store.lose("dr")
    assert injected.heal().undone == "stuck"
    (store.root / "dr").mkdir()
    check_healed(injected)


def test_a_copy_of_commands_that_is_not_in_sync_lets_nothing_begin(
    of_commands: tuple[Estate, ShellStore],
) -> None:
    estate, store = of_commands
    check_health(estate, "strike")
    store.add("primary", "one more")
    with pytest.raises(GuardError, match='dataset "fills" is not in sync'):
        check_health(estate, "strike")


@pytest.mark.cell("shell", "processes", "any")
def test_a_fault_of_the_users_own(sleeping: Estate, tmp_path: Path) -> None:
    mark = tmp_path / "broken"
    commands = {
        "inject": ["touch", str(mark)],
        "effective": ["test", "-e", str(mark)],
        "heal": ["rm", "-f", str(mark)],
    }
    injected = inject(sleeping, kind="shell", name="a broken switch", **SITES, **commands)
    assert injected.targets[0].name == "a broken switch"
    check_healed(injected)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("effective", "error", "said"),
    [("true", GuardError, "is in force before it was injected"), ("cat /nowhere/x", CommandError, "exit 3")],
)
def test_a_users_fault_that_is_in_force_already_or_cannot_tell_is_refused(
    sleeping: Estate, effective: str, error: type[Exception], said: str
) -> None:
    """It would count as injected whatever `inject` does."""
    commands = {"inject": ["true"], "effective": ["sh", "-c", f"{effective} || exit 3"], "heal": ["true"]}
    with pytest.raises(error, match=said):
        fault(sleeping, kind="shell", name="x", **SITES, **commands).ready()


@pytest.mark.parametrize(("heal", "said"), [("true", "yet"), ("false", "exit 1")])
def test_a_users_fault_that_does_not_heal_is_stuck(
    sleeping: Estate, tmp_path: Path, heal: str, said: str
) -> None:
    mark = tmp_path / "broken"
    commands = {"inject": ["touch", str(mark)], "effective": ["test", "-e", str(mark)], "heal": [heal]}
    injected = inject(sleeping, kind="shell", name="x", **SITES, **commands)
    healing = injected.heal()
    assert healing.undone == "stuck"
    assert said in healing.how
