"""The user's own commands as a canary's client: what an exit code may be taken for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sites.capability import Outcome, ReadBack
from sites.drivers.shell import ShellClient, ShellCommands
from sites.errors import DatasetError, PlanError
from sites.secret import Secret

RUN = "3f9a12c4-6f0e-4b8e-9d2a-000000000001"


def shell(text: str) -> tuple[str, ...]:
    return "sh", "-c", text


def client(commands: ShellCommands, *, limit_seconds: float = 10.0) -> ShellClient:
    return ShellClient(commands, run=RUN, limit_seconds=limit_seconds, workers=4)


def written(argv: tuple[str, ...], *, limit_seconds: float = 10.0, data: bytes = b"payload") -> Outcome:
    async def whole() -> Outcome:
        one = client(ShellCommands(write=argv, read=("true",)), limit_seconds=limit_seconds)
        try:
            return await one.write("orders", 4, data)
        finally:
            await one.aclose()

    return asyncio.run(whole())


def listed(text: str) -> ReadBack:
    async def whole() -> ReadBack:
        one = client(ShellCommands(write=("true",), read=shell(text), address="desk"))
        try:
            return await one.read_back("orders")
        finally:
            await one.aclose()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("argv", "outcome"),
    [
        (("true",), Outcome("acknowledged", "exit 0", None)),
        (shell("echo node-2; echo more"), Outcome("acknowledged", "exit 0", "node-2")),
        (shell("exit 68"), Outcome("failed", "refused")),
        (shell("exit 69"), Outcome("failed", "not done")),
        (shell("exit 77"), Outcome("failed", "denied")),
        (shell("exit 1"), Outcome("indeterminate", "exit 1")),
        (shell("exit 127"), Outcome("indeterminate", "exit 127")),
        (shell("kill -9 $$"), Outcome("indeterminate", "signal 9")),
        (("no-such-program-anywhere",), Outcome("failed", "missing program")),
        (("/dev/null",), Outcome("failed", "unstarted")),
    ],
)
def test_an_exit_code_says_how_it_ended(argv: tuple[str, ...], outcome: Outcome) -> None:
    assert written(argv) == outcome


def test_a_command_past_its_limit_is_indeterminate_and_ended(tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    argv = shell(f"trap 'echo > {mark}; exit' INT; while :; do sleep 0.05; done")
    assert written(argv, limit_seconds=0.3) == Outcome("indeterminate", "timeout")
    assert mark.exists()


def test_a_payload_that_nobody_reads_is_no_error() -> None:
    assert written(("true",), data=b"x" * 500_000).result == "acknowledged"


def test_the_loop_goes_on_while_commands_run(tmp_path: Path) -> None:
    """The command ends only once the loop has done something else: a loop that waited would time out."""
    mark = tmp_path / "mark"

    async def whole() -> Outcome:
        argv = shell(f"until test -e {mark}; do sleep 0.01; done")
        one = client(ShellCommands(write=argv, read=("true",)))
        writing = asyncio.create_task(one.write("orders", 1, b""))
        await asyncio.sleep(0)
        assert not writing.done()
        mark.touch()
        return await writing

    assert asyncio.run(whole()).result == "acknowledged"


def test_more_than_can_be_under_way_is_never_started() -> None:
    """What waits for its turn past its limit has provably not been executed."""

    async def whole() -> list[str]:
        commands = ShellCommands(write=shell("exec sleep 3600"), read=("true",))
        one = ShellClient(commands, run=RUN, limit_seconds=0.2, workers=1)
        # their limits pass at the same moment, and the next in turn may begin just before its own
        outcomes = await asyncio.gather(*(one.write("orders", n, b"") for n in range(8)))
        return [f"{outcome.result} {outcome.cause}" for outcome in outcomes]

    assert set(asyncio.run(whole())) == {"failed unstarted", "indeterminate timeout"}


def test_commands_are_told_what_they_are_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_PASSWORD", "hunter22")
    variables = ("STREAM", "NUMBER", "ADDRESS", "SITE", "RUN")
    said = " ".join(f"$BLACKSTART_{name}" for name in variables)
    commands = ShellCommands(
        write=shell(f'echo "{said} $PLAIN $PASSWORD ${{#PASSWORD}} $PWD"'),
        read=("true",),
        address="http://desk",
        site="primary",
        env={"PLAIN": "word", "PASSWORD": Secret(env="DESK_PASSWORD")},
        cwd=tmp_path,
    )

    async def whole() -> Outcome:
        return await client(commands).write("orders", 4, b"")

    told = asyncio.run(whole()).address
    assert told == f"3f9a12c4-orders 4 http://desk primary {RUN} word *** 8 {tmp_path}"  # told it, and masked
    assert "hunter22" not in repr(commands)


def test_a_secret_that_a_command_prints_does_not_reach_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "s3cr3t-planted")
    commands = ShellCommands(
        write=("sh", "-c", 'cat > /dev/null; echo "db://app:$PGPASSWORD@host"'),
        read=("true",),
        env={"PGPASSWORD": Secret(env="PLANTED")},
    )

    async def act() -> Outcome:
        client = ShellClient(commands, run="a", limit_seconds=5, workers=1)
        try:
            return await client.write("orders", 0, b"x")
        finally:
            await client.aclose()

    outcome = asyncio.run(act())
    assert outcome.result == "acknowledged"
    assert outcome.address == "db://app:***@host"


def test_a_secret_that_cannot_be_had_is_told_at_once() -> None:
    with pytest.raises(PlanError, match="NO_SUCH_SECRET"):
        client(ShellCommands(write=("true",), read=("true",), env={"P": Secret(env="NO_SUCH_SECRET")}))


def test_a_listing_is_rows_and_a_count() -> None:
    found = listed("echo '3 abc'; echo '3 abc'; echo '7 with spaces'; echo 'END 3'")
    assert [number for number, _ in found.rows] == [3, 3, 7]
    assert len({sha256 for _, sha256 in found.rows}) == 2
    assert (found.count, found.end, found.address) == (3, True, None)  # it names no server


def test_a_listing_cut_off_has_no_end() -> None:
    found = listed("echo '3 abc'")
    assert (found.count, found.end) == (None, False)


@pytest.mark.parametrize(
    "text", ["echo hello", "echo 'END x'", "echo 'END 0'; echo '1 a'", "echo '-1 a'", "false"]
)
def test_what_is_no_listing_is_an_error(text: str) -> None:
    with pytest.raises(DatasetError, match="cannot read stream 'orders' back by command"):
        listed(text)
