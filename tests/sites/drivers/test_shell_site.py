"""A site of the user's own commands: what they claim is not believed, and what they do not say is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.capability import Fencing
from sites.drivers.shell_site import ShellProcess, ShellSite, SiteCommands, read_status
from sites.errors import SiteError
from sites.strikable import KillingOne
from tests.sites.shell_commands import shell_site

WRONG = {
    "": 'did not end with "END COUNT"',
    "alpha 12": 'did not end with "END COUNT"',
    "alpha 12\nEND": 'did not end with "END COUNT"',
    "alpha 12\nEND 2": "named 1 processes and counted 2",
    "alpha\nEND 1": "printed 'alpha', which is no \"NAME NUMBER\"",
    "alpha twelve\nEND 1": "printed 'alpha twelve', which is no \"NAME NUMBER\"",
}


def saying(status: str, **others: tuple[str, ...]) -> ShellSite:
    """A site whose commands do nothing, and whose status prints that."""
    commands = {"start": ("true",), "stop": ("true",), "kill": ("true",), "status": ("printf", "%b", status)}
    processes = {"alpha": ShellProcess()}
    return ShellSite("north", SiteCommands(**{**commands, **others}, kill_seconds=0.05), processes)


@pytest.mark.parametrize("said", WRONG)
def test_a_status_that_is_not_whole_is_unknown(said: str) -> None:
    site = saying(said.replace("\n", "\\n"))

    with pytest.raises(SiteError, match='cannot ask site "north": its status command') as caught:
        site.running()
    assert WRONG[said] in str(caught.value)
    assert not site.proven_gone().holds


def test_a_whole_status_is_read() -> None:
    assert read_status("alpha 12\n\nbeta 0\nEND 2\n") == {"alpha": 12, "beta": 0}
    assert read_status("END 0") == {}


def test_a_kill_that_only_claims_to_have_killed_is_no_proof() -> None:
    proof = saying("alpha 12\\nEND 1").kill()

    assert not proof.holds
    assert proof.detail["left"] == {"alpha": 12}


def test_a_kill_that_fails_says_why() -> None:
    proof = saying("alpha 12\\nEND 1", kill=("sh", "-c", "echo no route to it >&2; exit 4")).kill()

    assert not proof.holds
    assert proof.how == (
        "1 of its processes are running; "
        "cannot kill site \"north\": command 'sh' failed (exit 4): no route to it"
    )


@pytest.mark.parametrize("last_words", ["false", "kill -9 $$"])
def test_a_kill_is_judged_by_what_is_left_and_not_by_its_exit_code(tmp_path: Path, last_words: str) -> None:
    """A script ends with the code of its last kill, and one that goes by names may hit its own shell."""
    script = f'for p in "{tmp_path}"/*.pid; do kill -9 "$(cat "$p")"; done; {last_words}'
    site = shell_site(tmp_path, kill=("sh", "-c", script))
    site.up()

    proof = site.kill()
    assert proof.holds, proof
    assert proof.how == "its status command lists no process, to the end"
    assert "its kill command failed" in str(proof.detail["note"])
    assert site.running() == {}


def test_one_process_is_killed_and_the_others_go_on(tmp_path: Path) -> None:
    site = shell_site(tmp_path)
    site.up()

    assert isinstance(site, KillingOne)
    assert site.kill_process("alpha").holds
    assert site.kill_process("alpha").holds
    assert list(site.running()) == ["beta"]
    assert not saying("alpha 12\\nEND 1").kill_process("alpha").holds


def test_a_stop_and_a_down_that_do_nothing_are_refused() -> None:
    site = saying("alpha 12\\nEND 1")

    with pytest.raises(SiteError, match='cannot stop process "alpha" at site "north": it still runs'):
        site.stop("alpha")
    with pytest.raises(SiteError, match='cannot bring site "north" down: still running: alpha'):
        site.down()


def test_a_site_out_of_reach_is_not_gone() -> None:
    site = saying("END 0", reachable=("sh", "-c", "echo no route to host >&2; exit 1"))

    proof = site.proven_gone()
    assert not proof.holds
    assert "no route to host" in proof.how
    with pytest.raises(SiteError, match='cannot reach site "north"'):
        site.targets()


def test_a_command_that_hangs_is_named_with_its_limit(tmp_path: Path) -> None:
    site = shell_site(tmp_path, status=("sleep", "600"), limit_seconds=0.1)

    with pytest.raises(SiteError, match=r"'sleep' failed \(not done within 0.1 s\)") as caught:
        site.running()
    assert caught.value.hint == "try it by hand: sleep 600"


def test_its_own_fence_counts_and_killing_is_the_default(tmp_path: Path) -> None:
    assert isinstance(saying("END 0"), Fencing)
    assert saying("alpha 1\\nEND 1", fence=("echo", "outlet 7 is off")).fence().detail == {
        "said": "outlet 7 is off"
    }
    assert not saying("END 0", fence=("false",)).fence().holds
    site = shell_site(tmp_path)
    site.up()
    assert site.fence().holds
    assert site.running() == {}


def test_what_is_not_declared_is_a_target_too() -> None:
    site = saying("stray 7\\nalpha 12\\nEND 2")

    assert list(site.running()) == ["alpha", "stray"]
    assert [target.name for target in site.targets()] == ["north", "alpha", "stray"]


def test_secrets_reach_the_commands_and_nobody_else() -> None:
    site = saying("END 0", secret_env={"TOKEN": "hunter22"}, kill=("sh", "-c", 'echo "$TOKEN" >&2; exit 1'))  # type: ignore[arg-type]

    proof = site.kill()
    said = proof.how + str(proof.detail)
    assert "***" in said
    assert "hunter22" not in said + str(site.__dict__)
