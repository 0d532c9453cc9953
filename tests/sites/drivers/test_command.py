"""Real `sh`, `cat` and `sleep`: what we promise is about processes, and only processes can break it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from sites.drivers import command
from sites.errors import CommandError, CommandTimeout, MissingProgram, SiteError

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def sh(script: str, **options: object) -> command.Completed:
    options.setdefault("limit_seconds", 20)
    return command.run(["sh", "-c", script], **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    """A zombie counts as gone: some machines have no init that reaps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def test_run_returns_what_the_command_said() -> None:
    done = sh("echo out; echo err >&2")

    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 0)
    assert done.seconds > 0


def test_input_larger_than_a_pipe_passes_through() -> None:
    text = "0123456789" * 100_000

    assert command.run(["cat"], input=text, limit_seconds=20).stdout == text


def test_input_that_nobody_reads_is_no_error() -> None:
    assert command.run(["true"], input="x" * 1_000_000, limit_seconds=20).exit_code == 0


def test_an_exit_code_that_is_not_expected_is_an_error_with_everything_in_it() -> None:
    with pytest.raises(CommandError) as caught:
        sh("echo half; echo 'no such thing' >&2; exit 7")

    assert caught.value.exit_code_of_command == 7
    assert caught.value.stdout == "half\n"
    assert caught.value.stderr == "no such thing\n"
    assert str(caught.value) == "command 'sh' failed (exit 7): no such thing"


def test_expected_exit_codes_pass() -> None:
    assert sh("exit 3", ok_codes=(0, 3)).exit_code == 3


def test_a_signal_is_named() -> None:
    with pytest.raises(CommandError, match="killed by Killed"):
        sh("kill -9 $$")


def test_a_missing_program_has_an_error_of_its_own() -> None:
    with pytest.raises(MissingProgram, match="no-such-program"):
        command.run(["no-such-program"], limit_seconds=5)


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder"):
        command.run(["true"], cwd=tmp_path / "nowhere", limit_seconds=5)


def test_the_shell_sees_nothing() -> None:
    assert command.run(["echo", "$HOME; `id`"], limit_seconds=5).stdout == "$HOME; `id`\n"


def test_a_time_out_takes_the_children_too(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    with pytest.raises(CommandTimeout, match=r"not done within 0\.3 s"):
        sh(f"trap '' INT; sleep 60 & echo $! $$ > {pids}; wait", limit_seconds=0.3, grace_seconds=0.1)

    for pid in pids.read_text().split():
        wait_until_gone(int(pid))


def test_a_time_out_lets_the_command_clean_up_first(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with pytest.raises(CommandTimeout):
        sh(f"touch {lock}; trap 'rm {lock}; exit' INT; while :; do sleep 0.05; done", limit_seconds=0.5)

    assert not lock.exists()


def test_what_was_said_before_the_time_out_is_kept() -> None:
    with pytest.raises(CommandTimeout) as caught:
        sh("echo working; exec sleep 60", limit_seconds=0.3)

    assert caught.value.stdout == "working\n"


def test_a_child_in_the_background_does_not_hold_us_up(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    done = sh(f"sleep 60 & echo $! > {pid}; echo started", limit_seconds=30)

    assert done.stdout == "started\n"
    assert done.seconds < 30
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_output_is_bounded_and_says_what_was_dropped() -> None:
    done = sh("echo first; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo last", output_bytes_max=1000)

    assert done.stdout.startswith("first\n")
    assert done.stdout.endswith("last\n")
    assert "[... 999012 bytes dropped ...]" in done.stdout


def test_secrets_reach_the_command_and_no_error() -> None:
    with pytest.raises(CommandError) as caught:
        sh("echo $KEY; echo key is $KEY >&2; exit 1", secret_env={"KEY": "hunter2/x"})

    assert caught.value.stdout == "***\n"
    assert "hunter2" not in f"{caught.value} {caught.value.stderr} {caught.value.argv}"


def test_a_secret_torn_by_the_bound_does_not_show() -> None:
    secret = "correct-horse-battery"
    with pytest.raises(CommandError) as caught:
        sh(
            "for i in $(seq 200); do printf %s $KEY; done; exit 1",
            secret_env={"KEY": secret},
            output_bytes_max=101,
        )

    kept = caught.value.stdout.replace("***", "")
    assert kept.strip().startswith("[...")
    assert kept.strip().endswith("...]")


def test_a_registered_secret_is_masked_everywhere() -> None:
    command.register_secret("swordfish-registered")
    with pytest.raises(CommandError) as caught:
        command.run(["sh", "-c", "echo swordfish-registered >&2; exit 1"], limit_seconds=5)

    assert "swordfish" not in f"{caught.value} {caught.value.stderr} {caught.value.argv}"


def test_the_error_of_a_caller_stops_the_command(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def refuse(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="ready"):
        command.watch(
            ["sh", "-c", f"echo $$ > {pid}; echo ready; exec sleep 60"], on_line=refuse, limit_seconds=30
        )

    wait_until_gone(int(pid.read_text()))


def test_watch_hands_on_lines_as_they_come(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        gate.touch()  # the command goes on only once its first line was heard

    script = f"echo one; while [ ! -e {gate} ]; do sleep 0.01; done; echo two; printf three"
    done = command.watch(["sh", "-c", script], on_line=on_line, limit_seconds=20)

    assert seen == ["one", "two", "three"]
    assert done.stdout == "one\ntwo\nthree"


def test_a_spawned_command_survives_us(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent = (
        "from pathlib import Path\n"
        "from sites.drivers import command\n"
        f"print(command.spawn(['sh', '-c', 'echo up $WHO; exec sleep 60'], stdout=Path({str(log)!r}),"
        " env={'WHO': 'me'}))\n"
    )
    pid = int(command.run([sys.executable, "-c", parent], limit_seconds=20).stdout)

    try:
        deadline = time.monotonic() + 10
        while "up me" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert alive(pid)
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_spawned_command_leaves_no_zombie(tmp_path: Path) -> None:
    pid = command.spawn(["true"], stdout=tmp_path / "log")

    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_a_spawned_command_can_be_given_an_environment_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    pid = command.spawn(["/usr/bin/env"], stdout=log, env={"ONLY": "this"}, inherit_env=False)

    wait_until_gone(pid)
    assert log.read_text() == "ONLY=this\n"


@ROOT_ONLY
def test_privileges_are_dropped_whole() -> None:
    done = sh("id -un; id -G; echo $HOME; echo $USER", user="nobody")

    assert done.stdout == "nobody\n65534\n/nonexistent\nnobody\n"


@ROOT_ONLY
def test_our_own_account_needs_no_dropping() -> None:
    assert sh("id -un", user="root").stdout == "root\n"


def test_an_unknown_account_is_named() -> None:
    with pytest.raises(SiteError, match="no-such-account"):
        sh("true", user="no-such-account")
