"""Secrets are looked up when they are used, and errors about them hold nothing of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sites.errors import MissingProgram, PlanError
from sites.secret import Secret

PLANTED = "hunter2"


def keep(path: Path, content: bytes, mode: int = 0o600) -> Secret:
    path.write_bytes(content)
    path.chmod(mode)
    return Secret(file=path)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" a\nb \n\n", " a\nb \n"),
    ],
)
def test_a_file_is_read_without_its_last_line_end(tmp_path: Path, content: bytes, secret: str) -> None:
    assert keep(tmp_path / "secret", content).resolve() == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret = keep(tmp_path / "secret", PLANTED.encode(), mode)
    with pytest.raises(PlanError, match=f"can be read by others \\(mode {mode:04o}\\)") as caught:
        secret.resolve()
    assert caught.value.hint == f"chmod 600 {tmp_path}/secret"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "is not UTF-8 text"),
        (b"hunter2" * 10_000, "is longer than 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(PlanError, match=told) as caught:
        keep(tmp_path / "secret", content).resolve()
    assert PLANTED not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"cannot read secret in file .*: No such file or directory"
    ) as caught:
        Secret(file=tmp_path / "nothing").resolve()
    assert "write it there" in str(caught.value.hint)
    with pytest.raises(PlanError, match="cannot read secret in file"):
        Secret(file=tmp_path).resolve()


def test_a_variable_is_looked_up_at_each_use() -> None:
    environ = {"P": "one"}
    secret = Secret(env="P")
    assert secret.resolve(environ) == "one"
    environ["P"] = "two"
    assert secret.resolve(environ) == "two"
    with pytest.raises(PlanError, match='environment variable "P": it is not set'):
        secret.resolve({})


def test_a_command_prints_the_secret() -> None:
    assert Secret(command=("printf", "hunter2\n")).resolve() == PLANTED
    with pytest.raises(PlanError, match='secret in command "true" is empty'):
        Secret(command=("true",)).resolve()


def test_a_command_that_fails_leaks_nothing() -> None:
    script = f"import sys; print('{PLANTED}'); print('{PLANTED}', file=sys.stderr); sys.exit(3)"
    with pytest.raises(PlanError, match="could not be had: exit 3") as caught:
        Secret(command=(sys.executable, "-c", script)).resolve()
    assert PLANTED not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.hint == "run the command by hand to see why"


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(MissingProgram, match="no-such-program"):
        Secret(command=("no-such-program",)).resolve()


def test_a_secret_shows_where_it_is_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P", PLANTED)
    secret = Secret(env="P")
    secret.resolve()
    assert str(secret) == 'environment variable "P"'
    assert PLANTED not in repr(secret)
