"""Hosts over a real sshd: what goes wrong has a name and a way out, and nothing unknown counts as gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.asked import operating_system
from sites.drivers.hosts.host import Host
from sites.drivers.hosts.script import HostProcess, functions
from sites.drivers.hosts.site import HostsSite
from sites.errors import HostDenied, HostError, HostSilent, HostUnreachable, HostUntrusted, SiteError
from sites.strikable import KillingOne, Listening, Pausable
from tests.sites.sshd import LOOPBACK, Sshd, hosts_site, know, one_sshd, sleeper, why_not

SOCKET = HostProcess("a", unit="rest-server.socket")
SYSTEMCTL = """#!/bin/sh
case "$*" in
*Listen*) printf 'Listen=[::]:8000 (Stream)\\nListen=127.0.0.1:8443 (Stream)\\nListen=/run/it (Stream)\\n' ;;
*) printf 'LoadState=loaded\\nActiveState=active\\nControlGroup=\\n' ;;
esac
"""

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def server() -> Sshd:
    return one_sshd()


@pytest.fixture
def site(server: Sshd, tmp_path: Path) -> Iterator[HostsSite]:
    """alpha on host a, beta on host b."""
    made = hosts_site(server, tmp_path / "north", "b")
    yield made
    made.resume()
    made.kill()
    made.close()


def answer(host: Host) -> list[str]:
    return host.run("ask", "say well", limit_seconds=5)


def lonely(server: Sshd, name: str = "a", **options: object) -> Host:
    return Host(name, server.address(**options), functions({}))


def single(server: Sshd, **acts: tuple[str, ...]) -> HostsSite:
    """A site of one process whose commands do nothing, but for those given."""
    true = ("true",)
    usual = {"start": true, "stop": true, "kill": true, "status": ("sh", "-c", "exit 3")}
    process = HostProcess("a", **{**usual, **acts})  # type: ignore[arg-type]
    return HostsSite("north", {"a": lonely(server)}, {"alpha": process}, ask_seconds=1.0, kill_seconds=0.1)


def test_a_host_that_shows_another_key_is_not_trusted(server: Sshd) -> None:
    know(server.folder, server.port, "other_key")
    try:
        with pytest.raises(HostUntrusted, match="HOST IDENTIFICATION HAS CHANGED") as caught:
            answer(lonely(server, connect_seconds=6))
    finally:
        know(server.folder, server.port, "host_key")
    assert "compare its key's fingerprint" in str(caught.value.hint)


def test_a_host_whose_key_is_not_known_is_not_trusted_whatever_is_configured(
    server: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("Host *\n  StrictHostKeyChecking no\n")
    strange = lonely(server, known_hosts=tmp_path / "none known", config=tmp_path / "config")

    with pytest.raises(HostUntrusted, match=r"Host key verification failed|host key is known") as caught:
        answer(strange)
    assert "ssh-keyscan" in str(caught.value.hint)
    assert not (tmp_path / "none known").exists()


def test_a_key_that_is_not_let_in_is_denied(server: Sshd) -> None:
    with pytest.raises(HostDenied, match=r'cannot ask host "a" \(.*\): it does not let us') as caught:
        answer(lonely(server, key=server.folder / "other_key"))
    assert "authorized_keys" in str(caught.value.hint)


def test_a_host_where_nobody_listens_is_unreachable(server: Sshd) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(HostUnreachable, match="Connection refused"):
        answer(lonely(server, port=port))


def test_a_host_that_takes_the_connection_and_says_nothing_is_unreachable(server: Sshd) -> None:
    with (
        socket.create_server((LOOPBACK, 0)) as deaf,
        pytest.raises(HostUnreachable, match=r"timed out"),
    ):
        answer(lonely(server, port=deaf.getsockname()[1], connect_seconds=1))


def test_a_command_that_hangs_is_told_by_its_host_and_ended_there(server: Sshd) -> None:
    site = single(server, status=("sleep", "4711"))

    with pytest.raises(HostError, match=r'"alpha" runs: its status command: not done within 0.8 s'):
        site.running()
    assert not site.proven_gone().holds
    assert answer(site.hosts["a"]) == ["well"]


def test_a_host_that_does_not_answer_is_silent_and_may_have_done_it(server: Sshd) -> None:
    host = lonely(server)

    with pytest.raises(HostSilent, match=r"no answer within 0.3 s") as caught:
        host.run("ask", "sleep 5", limit_seconds=0.3)
    assert caught.value.hint == "what was asked may have been done or not: look there, or ask again"
    assert answer(host) == ["well"]


@pytest.mark.parametrize("status", [("sh", "-c", "echo no such thing >&2; exit 4"), ("/no/such/program",)])
def test_a_status_that_fails_is_unknown_and_never_gone(server: Sshd, status: tuple[str, ...]) -> None:
    site = single(server, status=status)

    with pytest.raises(HostError, match='cannot tell whether process "alpha" runs: its status command: exit'):
        site.running()
    assert not site.proven_gone().holds
    assert not site.kill().holds


def test_a_start_that_fails_says_what_it_complained_of(server: Sshd) -> None:
    site = single(server, start=("sh", "-c", "echo port taken >&2; exit 9"))

    with pytest.raises(HostError, match=r'cannot start process "alpha" at .*: failed exit 9: port taken'):
        site.start("alpha")


def test_a_start_and_a_kill_that_do_nothing_are_found_out(server: Sshd) -> None:
    with pytest.raises(HostError, match="its command ended well, but it does not run"):
        single(server).start("alpha")
    immortal = single(server, status=("echo", "2"))
    proof = immortal.kill()
    assert (proof.holds, proof.detail["left"]) == (False, {"alpha": [2]})
    failing = single(server, status=("echo", "2"), kill=("sh", "-c", "echo not allowed; exit 1"))
    assert failing.kill().how == 'process "alpha" still runs: failed exit 1: not allowed'


def test_what_is_left_of_a_start_does_not_hold_the_shell(server: Sshd, tmp_path: Path) -> None:
    """A daemon that keeps its output open, which the sleepers of the other tests do not."""
    quiet = sleeper(tmp_path, "alpha")
    assert quiet.start is not None
    chatty = replace(quiet, start=(*quiet.start[:2], quiet.start[2].replace(">/dev/null 2>&1", "", 1)))
    assert chatty != quiet
    site = HostsSite("north", {"a": lonely(server)}, {"alpha": chatty})
    site.start("alpha")

    assert list(site.running()) == ["alpha"]
    assert site.kill().holds


def test_a_lost_connection_is_opened_again(site: HostsSite) -> None:
    site.up()
    held = site.hosts["a"]._shell
    assert held is not None
    held.say("exit\n")

    assert list(site.running()) == ["alpha", "beta"]
    assert site.hosts["a"]._shell is not held


def test_two_at_a_time_do_not_get_each_others_answers(site: HostsSite) -> None:
    host = site.hosts["a"]
    with host._busy:
        assert host.run("ask", "say apart", limit_seconds=5) == ["apart"]
    assert host.run("ask", "say inside", limit_seconds=5) == ["inside"]


def test_each_host_says_its_system_and_one_out_of_reach_is_not_known(server: Sshd, site: HostsSite) -> None:
    assert [one.where for one in site.versions()] == ["site north, host a", "site north, host b"]
    assert {one.version for one in site.versions()} == {operating_system()}
    far = Host("far", replace(server.address(), port=1), functions({}))
    [unknown] = HostsSite("far", {"far": far}, {}).versions()
    assert (unknown.version, unknown.what) == (None, "operating system")
    assert "far" in str(unknown.problem)


def test_the_machines_are_targets_by_their_addresses(server: Sshd, site: HostsSite) -> None:
    """What a person confirms is these machines, not names that a variable may point elsewhere."""
    site.up()

    hosts = [target.name for target in site.targets() if target.kind == "host"]

    assert hosts == [f"{name} {server.address()}" for name in ("a", "b")]


def test_what_waits_to_kill_does_nothing_unless_it_is_told(site: HostsSite) -> None:
    site.up()
    assert site.targets()
    assert site.targets()  # the first two are let go
    site._aim.drop()

    assert list(site.running()) == ["alpha", "beta"]


def test_a_kill_whose_waiting_script_is_gone_is_done_all_the_same(site: HostsSite) -> None:
    site.up()
    site.targets()
    site._aim._armed["a"].held.close()

    assert site.kill().holds


def test_one_host_out_of_reach_and_the_site_is_not_gone(server: Sshd, site: HostsSite) -> None:
    site.up()
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    hosts = {**site.hosts, "c": lonely(server, "c", port=port)}
    larger = HostsSite("north", hosts, {**site._processes, "delta": sleeper(server.folder, "delta", "c")})

    proof = larger.kill()

    assert not proof.holds
    assert 'host "c"' in proof.how
    assert not larger.proven_gone().holds


def test_one_process_is_killed_and_the_others_go_on(site: HostsSite) -> None:
    site.up()

    assert isinstance(site, KillingOne)
    assert site.kill_process("alpha").holds
    assert list(site.running()) == ["beta"]
    with pytest.raises(SiteError, match='has no process "delta"'):
        site.kill_process("delta")


def test_a_paused_site_stands_still_until_it_is_resumed(site: HostsSite) -> None:
    assert isinstance(site, Pausable)
    assert not site.pause().holds  # nothing is there
    site.up()
    assert not site.paused().holds

    assert site.pause().holds
    assert site.paused().detail["processes"] == 2
    assert list(site.running()) == ["alpha", "beta"]
    assert site.resume().holds
    assert not site.paused().holds


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("12 13", (12, 13)),
        ("pg_ctl: server is running (PID: 12)\n/usr/bin/postgres", (12,)),
        ("up 3 days", ()),
        ("", ()),
    ],
)
def test_only_what_is_a_process_number_is_taken_for_one(
    server: Sshd, said: str, numbers: tuple[int, ...]
) -> None:
    site = single(server, status=("printf", "%s", said))
    assert site._told()["alpha"].numbers == numbers


def test_nothing_is_ever_sent_to_what_the_first_process_started(server: Sshd) -> None:
    """A status that prints 1 or 0 must not end in a signal to the whole machine."""
    site = single(server, status=("echo", "0 1"))

    assert site.pause().how == "no process is there to stand still"


def test_a_folder_for_connections_that_others_can_enter_is_refused(
    server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="bs", dir="/tmp") as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        folder = server.address().socket.parent
        assert folder.parent == Path(short)
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o755)

        with pytest.raises(SiteError, match="it is not ours alone"):
            server.address().argv()


SERVER = (
    "import os, socket; at = socket.create_server(('127.0.0.1', 0)); {then}; import time; time.sleep(600)"
)
TELLS = "print(at.getsockname()[1], flush=True)"


@pytest.mark.parametrize("then", [TELLS, f"os.fork() or ({TELLS})"], ids=["itself", "what it started"])
def test_it_is_told_on_which_ports_a_process_of_a_host_listens(server: Sshd, then: str) -> None:
    argv = [sys.executable, "-c", SERVER.format(then=then)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            site = single(server, status=("echo", str(process.pid)))
            assert isinstance(site, Listening)
            assert site.listening("alpha") == {port}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert site.listening("alpha") == set(), "what does not run listens on nothing"


def test_ports_that_cannot_be_told_are_not_none(server: Sshd) -> None:
    with pytest.raises(HostError, match="its status command prints no process id") as caught:
        single(server, status=("echo", "it runs")).listening("alpha")
    assert "has to print process ids" in str(caught.value.hint)
    with pytest.raises(HostError, match="its status command: exit 4"):
        single(server, status=("sh", "-c", "exit 4")).listening("alpha")
    assert single(server).listening("alpha") == set()


def test_a_unit_that_is_a_socket_listens_on_what_systemd_holds_for_it(server: Sshd, tmp_path: Path) -> None:
    """With a systemctl that says what a real one says of rest-server.socket."""
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    site = HostsSite("north", {"a": lonely(server)}, {"alpha": SOCKET})
    site.hosts["a"].run("prepare", f"PATH={tmp_path}:$PATH", limit_seconds=5)  # its shell stays
    assert site.listening("alpha") == {8000, 8443}
