"""Process sites on real processes, with a PID namespace of their own and without."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.processes import control
from sites.drivers.processes import table as processes
from sites.drivers.processes.readiness import HttpReady, TcpReady
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.drivers.processes.spec import NUMBER_OF_NOBODY
from sites.errors import SiteError
from tests.sites.drivers.waiting import wait_until

Make = Callable[..., ProcessSite]
REPOSITORY = Path(__file__).parents[3]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
SLEEPER = ProcessSpec(("sleep", "600"))


@pytest.fixture(params=[True, False], ids=["namespace", "tree"])
def namespace(request: pytest.FixtureRequest) -> bool:
    if request.param and not control.namespaces_work():
        pytest.skip("no PID namespaces for us here")
    return bool(request.param)


@pytest.fixture
def make(tmp_path: Path, namespace: bool) -> Iterator[Make]:
    made: list[ProcessSite] = []

    def _make(specs: dict[str, ProcessSpec], path: Path = tmp_path / "site", **options: int) -> ProcessSite:
        made.append(ProcessSite("north", path, specs, namespace=namespace, **options))
        return made[-1]

    yield _make
    for site in made:
        site.kill()


def shell(script: str, **options: object) -> ProcessSpec:
    return ProcessSpec(("sh", "-c", script), **options)  # type: ignore[arg-type]


def alive(marker: str) -> list[int]:
    """Processes whose command line ends in `marker`."""
    found = []
    for pid in processes.numbers():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[-1] == marker.encode():
            found.append(pid)
    return found


@pytest.mark.parametrize(
    "escape",
    [
        "setsid sleep {0} & wait",
        "(setsid sleep {0} &) ; sleep 600",
        "(setsid setsid sleep {0} >/dev/null 2>&1 &) ; exec sleep 600",
        "sleep {0} & exit 0",
    ],
    ids=["own session", "orphan", "orphan, daemon", "parent ended"],
)
def test_no_child_escapes_the_kill(make: Make, escape: str) -> None:
    marker = f"{600 + os.getpid()}.{abs(hash(escape)) % 10**6}"
    site = make({"parent": shell(escape.format(marker))})
    site.up()
    wait_until("the child runs", lambda: alive(marker))

    proof = site.kill()

    assert proof.holds, proof
    assert alive(marker) == []


def test_a_process_that_keeps_forking_does_not_outrun_the_kill(make: Make) -> None:
    marker = f"{700 + os.getpid()}.5"
    site = make({"forks": shell(f"while :; do (setsid sleep {marker} &); sleep 0.01; done")})
    site.up()
    wait_until("it forks", lambda: len(alive(marker)) > 5)

    assert site.kill().holds
    assert alive(marker) == []


def test_stop_takes_the_family_along(make: Make) -> None:
    marker = f"{800 + os.getpid()}.5"
    site = make({"parent": shell(f"setsid sleep {marker} & wait"), "other": SLEEPER})
    site.up()
    wait_until("the child runs", lambda: alive(marker))

    site.stop("parent")

    wait_until("the child is gone", lambda: not alive(marker))
    assert list(site.running()) == ["other"]


def test_stop_is_gentle_first_and_then_is_not(make: Make) -> None:
    polite = shell(
        "trap 'echo bye; exit 0' INT; echo on; while :; do sleep 0.01; done", stop_signal=signal.SIGINT
    )
    deaf = shell("trap '' TERM; echo on; while :; do sleep 0.01; done", stop_seconds=0.1)
    site = make({"polite": polite, "deaf": deaf})
    site.up()
    wait_until("both run", lambda: all("on" in site.log(name) for name in ("polite", "deaf")))

    site.stop("polite")
    site.stop("deaf")

    assert site.log("polite").endswith("bye\n")
    assert site.running() == {}


def test_a_stop_that_the_loss_of_the_whole_site_overtakes_has_ended_the_process(make: Make) -> None:
    """A process that takes its time is refused already, and fenced meanwhile by whoever noticed."""
    slow = shell("trap '' TERM; echo on; while :; do sleep 0.01; done", stop_seconds=60.0)
    site = make({"slow": slow})
    site.up()
    wait_until("it runs", lambda: "on" in site.log("slow"))
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(site.stop, "slow")
        with suppress(FutureTimeout):
            stopping.result(timeout=0.2)  # under way by now
        assert not stopping.done()
        assert ProcessSite("north", site.path).kill().holds
        stopping.result(timeout=10)
    assert site.running() == {}


def test_another_process_can_do_it_all_from_the_folder(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()
    script = (
        "from pathlib import Path\n"
        "from sites.drivers.processes.site import ProcessSite\n"
        f"site = ProcessSite('north', Path({str(site.path)!r}))\n"
        "print(list(site.running()), site.proven_gone().holds, site.kill().holds, site.proven_gone().holds)\n"
    )

    told = command.run([sys.executable, "-c", script], cwd=REPOSITORY, limit_seconds=30).stdout

    assert told == "['one'] False True True\n"
    assert site.proven_gone().holds


def test_the_number_of_a_dead_site_does_not_get_a_stranger_killed(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()
    site.kill()
    stranger = command.spawn(["sleep", "600"], stdout=site.path / "stranger.log")
    try:
        written = json.loads((site.path / "site.json").read_text())
        (site.path / "site.json").write_text(json.dumps({**written, "pid": stranger}))

        assert site.proven_gone().holds
        assert site.kill().holds
        assert processes.Handle.grasp(stranger) is not None
    finally:
        os.kill(stranger, signal.SIGKILL)


def test_a_reboot_is_proof(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()
    site.kill()
    written = json.loads((site.path / "site.json").read_text())
    other_boot = {**written, "boot": "another", "pid": os.getpid()}
    (site.path / "site.json").write_text(json.dumps(other_boot))

    proof = site.proven_gone()

    assert (proof.holds, proof.how) == (True, "the machine was booted since")


def test_a_look_from_another_namespace_proves_nothing(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()
    site.kill()
    written = json.loads((site.path / "site.json").read_text())
    (site.path / "site.json").write_text(json.dumps({**written, "observer": 1}))

    proof = site.proven_gone()

    assert not proof.holds
    assert "another PID namespace" in proof.how


def test_a_damaged_record_is_no_proof(make: Make) -> None:
    site = make({})
    site.path.mkdir()
    (site.path / "site.json").write_text("{}")

    with pytest.raises(SiteError, match=r"cannot read .*site\.json"):
        site.proven_gone()
    (site.path / "site.json").unlink()


def test_a_lost_record_is_written_again_by_the_next_up(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()
    before = site.running()
    (site.path / "site.json").unlink()

    assert not site.proven_gone().holds
    site.up()

    assert site.running() == before
    assert (site.path / "site.json").exists()


def test_until_pid_takes_the_whole_site_along(make: Make, tmp_path: Path) -> None:
    marker = f"{900 + os.getpid()}.5"
    owner = command.spawn(["sleep", "600"], stdout=tmp_path / "owner.log")
    site = make({"parent": shell(f"setsid sleep {marker} & wait")}, until_pid=owner)
    site.up()
    wait_until("the child runs", lambda: alive(marker))

    os.kill(owner, signal.SIGKILL)

    wait_until("the site is gone", lambda: site.proven_gone().holds)
    assert alive(marker) == []


def test_folders_longer_than_a_socket_name_will_do(make: Make, tmp_path: Path) -> None:
    site = make({"one": SLEEPER}, tmp_path / ("long" * 40))
    site.up()

    assert list(site.running()) == ["one"]


def test_up_waits_until_a_process_is_ready(make: Make) -> None:
    port = free_port()
    serve = f"import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    late = shell(
        f'sleep 0.2; exec {sys.executable} -c "{serve}"', ready=HttpReady(f"http://127.0.0.1:{port}/")
    )
    site = make({"web": late})

    site.up()

    assert TcpReady(f"127.0.0.1:{port}").reason_not() is None


def test_a_process_that_ends_instead_of_getting_ready_is_shown_with_its_last_words(make: Make) -> None:
    fails = shell(
        "echo no key $KEY; exit 3",
        ready=TcpReady(f"127.0.0.1:{free_port()}"),
        secret_env={"KEY": "swordfish-site"},
    )
    site = make({"web": fails})

    with pytest.raises(SiteError) as caught:
        site.up()

    assert 'process "web" at site "north" did not get ready: it ended (exit 3)' in str(caught.value)
    assert str(caught.value).endswith("no key ***")


def test_a_process_that_does_not_get_ready_in_time_says_why(make: Make) -> None:
    site = make(
        {"web": ProcessSpec(SLEEPER.command, ready=TcpReady(f"127.0.0.1:{free_port()}"), ready_seconds=0.1)}
    )

    with pytest.raises(SiteError, match=r"not within 0\.1 s \(127\.0\.0\.1:\d+: .*refused"):
        site.up()


def test_a_program_that_is_not_there_is_named(make: Make) -> None:
    site = make({"web": ProcessSpec(("no-such-program",))})

    with pytest.raises(SiteError, match=r'cannot start process "web" at site "north": .*No such file'):
        site.up()


def test_secrets_are_in_no_command_line_and_no_file(make: Make) -> None:
    secret = "swordfish-nowhere"
    site = make({"one": ProcessSpec(SLEEPER.command, secret_env={"KEY": secret})})
    site.up()

    pid = site.running()["one"]
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    files = [path.read_bytes() for path in site.path.rglob("*") if path.is_file()]
    assert secret.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    assert not any(secret.encode() in said for said in lines + files)
    assert secret not in repr(ProcessSpec(SLEEPER.command, secret_env={"KEY": secret}))


def test_a_process_gets_none_of_our_environment(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS_ALONE", "yes")
    site = make({"one": shell("env; exec sleep 600", env={"GIVEN": "yes"})})
    site.up()

    wait_until("it has spoken", lambda: "GIVEN=yes" in site.log("one"))
    assert "OURS_ALONE" not in (site.path / "logs/one.log").read_text()


@ROOT_ONLY
def test_a_process_runs_as_the_user_it_was_given(open_folder: Path, make: Make) -> None:
    site = make({"one": shell("id -un; id -G; exec sleep 600", user="nobody")}, open_folder / "site")
    site.up()

    wait_until("it has spoken", lambda: site.log("one").count("\n") == 2)
    assert site.log("one") == "nobody\n65534\n"
    assert Path(f"/proc/{site.running()['one']}").stat().st_uid == 65534


@ROOT_ONLY
def test_a_folder_that_the_user_cannot_reach_is_explained(make: Make, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    site = make({"one": ProcessSpec(SLEEPER.command, user="nobody")})

    with pytest.raises(SiteError, match="Permission denied") as caught:
        site.up()

    assert caught.value.hint == 'user "nobody" must be able to enter that folder and those above it'


def test_a_signal_finds_a_process_by_its_number_inside(make: Make) -> None:
    site = make({"one": shell("echo $$; exec sleep 600"), "two": SLEEPER})
    site.up()
    wait_until("it has spoken", lambda: site.log("one").endswith("\n"))
    inner, outer = int(site.log("one")), site.running()["one"]

    site.signal(inner, signal.SIGSTOP)
    wait_until("it is stopped", lambda: state(outer) == "T")
    site.signal(inner, signal.SIGCONT)
    wait_until("it goes on", lambda: state(outer) == "S")

    assert state(site.running()["two"]) == "S"


def test_a_signal_never_leaves_the_site(make: Make) -> None:
    site = make({"one": SLEEPER})
    site.up()

    with pytest.raises(SiteError, match="no process with the number"):
        site.signal(os.getpid() if site.targets()[0].detail["namespace"] is None else 4242, signal.SIGKILL)


def test_a_pid_file_of_the_last_life_is_nobodys(make: Make, tmp_path: Path) -> None:
    pid_file = tmp_path / "daemon.pid"
    site = make({"one": ProcessSpec(SLEEPER.command, pid_file=pid_file)})
    site.up()
    pid_file.write_text("2\nkept\n")
    site.up()
    untouched = pid_file.read_text()
    site.kill()

    site.up()

    assert untouched == "2\nkept\n"
    assert pid_file.read_text() == f"{NUMBER_OF_NOBODY}\nkept\n"


def test_a_site_whose_supervisor_does_not_answer_is_not_said_to_run_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a process that nobody hit would count as killed, and one that nobody stopped as stopped."""
    monkeypatch.setattr(control, "_MEET_SECONDS", 0.2)
    site = make({"sleeper": SLEEPER})
    site.up()
    (pid,) = site.running().values()
    record = site._record()
    assert record is not None
    os.kill(record.pid, signal.SIGSTOP)
    try:
        for asked in (
            site.running,
            site.down,
            lambda: site.stop("sleeper"),
            lambda: site.kill_process("sleeper"),
            lambda: site.frozen(2),
        ):
            with pytest.raises(SiteError, match="is alive, yet its supervisor does not answer"):
                asked()
        assert processes.entry(pid) is not None
    finally:
        os.kill(record.pid, signal.SIGCONT)
    assert site.kill_process("sleeper").holds
    assert site.running() == {}


def test_what_a_dead_supervisor_left_behind_is_found_and_killed(tmp_path: Path) -> None:
    site = ProcessSite("north", tmp_path / "site", {"one": shell("sleep 600 & wait")}, namespace=False)
    site.up()
    wait_until("the child runs", lambda: len(site.proven_gone().detail) and len(family(site)) == 2)
    os.kill(int(str(site.targets()[0].detail["pid"])), signal.SIGKILL)
    wait_until("the supervisor is gone", lambda: "of its processes are alive" in site.proven_gone().how)

    with pytest.raises(SiteError, match="yet its supervisor does not answer"):
        site.up()
    proof = site.kill()

    assert proof.holds, proof
    site.up()
    assert site.kill().holds


def family(site: ProcessSite) -> list[processes.Entry]:
    return processes.descendants(int(str(site.targets()[0].detail["pid"])))


def state(pid: int) -> str:
    found = processes.entry(pid)
    return found.state if found else "gone"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
