"""Run outside programs: `run` waits, `watch` hands on each line, `hold` talks to one, `spawn` lets go.

The only module that imports subprocess. Never a shell. Every command has its own session and process
group, so that a time-out or an interrupt takes its children too: SIGINT first, to let a tool remove its
locks, then SIGKILL to what is left of the group.

Secrets travel in `secret_env` or in files, never in argv; their values never show in an error.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sites.drivers.account import Account, account
from sites.drivers.captured import Captured, Lines
from sites.drivers.conversation import Conversation, TimeLimitReached
from sites.drivers.held import Held
from sites.drivers.masking import mask, register_secret
from sites.errors import CommandError, CommandTimeout, MissingProgram

__all__ = ["Completed", "hold", "register_secret", "run", "spawn", "watch"]

OUTPUT_BYTES_MAX = 8 << 20
GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended. `stdout` is data and unmasked; `stderr` is masked."""

    stdout: str
    stderr: str
    exit_code: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Call:
    """One command as asked for."""

    argv: tuple[str, ...]
    env: Mapping[str, str] | None
    secrets: tuple[str, ...]
    cwd: Path | None
    account: Account | None

    def error(
        self, kind: type[CommandError], reason: str | None, code: int | None, stdout: str, stderr: str
    ) -> CommandError:
        shown = tuple(mask(word, self.secrets) for word in self.argv)
        return kind(shown, code, stdout, stderr, reason=reason)


def run(
    argv: Sequence[str | Path],
    *,
    limit_seconds: float,
    env: Mapping[str, str] | None = None,
    secret_env: Mapping[str, str] | None = None,
    input: str | bytes | None = None,  # noqa: A002  the word that everybody knows from subprocess
    cwd: Path | None = None,
    user: str | None = None,
    ok_codes: Collection[int] = (0,),
    grace_seconds: float = GRACE_SECONDS,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
) -> Completed:
    """Run a command to its end.

    `env` and `secret_env` come on top of our own environment. `user` drops privileges when root.
    Of each output stream the first and last half of `output_bytes_max` are kept.
    Raises MissingProgram, CommandTimeout, or CommandError for an exit code not in `ok_codes`.
    """
    call = _call(argv, env, secret_env, cwd, user)
    out = Captured(output_bytes_max)
    return _converse(call, out, out.feed, input, limit_seconds, grace_seconds, ok_codes)


def watch(
    argv: Sequence[str | Path],
    *,
    on_line: Callable[[str], None],
    limit_seconds: float,
    on_error_line: Callable[[str], None] | None = None,
    env: Mapping[str, str] | None = None,
    secret_env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    ok_codes: Collection[int] = (0,),
    grace_seconds: float = GRACE_SECONDS,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
) -> Completed:
    """Run a command and call `on_line` with each line of its output as it comes.

    `on_error_line` gets the lines of its error output, unmasked. If one of the two raises, the command
    is stopped and the error goes on. Raises what `run` raises.
    """
    call = _call(argv, env, secret_env, cwd, user)
    out = Captured(output_bytes_max)
    lines = Lines(on_line)
    error_lines = Lines(on_error_line) if on_error_line else None

    def feed(chunk: bytes) -> None:
        out.feed(chunk)
        lines.feed(chunk)

    completed = _converse(call, out, feed, None, limit_seconds, grace_seconds, ok_codes, error_lines)
    lines.end()
    if error_lines:
        error_lines.end()
    return completed


def spawn(
    argv: Sequence[str | Path],
    *,
    stdout: Path,
    env: Mapping[str, str] | None = None,
    secret_env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    new_session: bool = True,
    inherit_env: bool = True,
    pass_fds: Collection[int] = (),
) -> int:
    """Start a command that survives us; its output is appended to the file `stdout`. Returns its pid.

    With `inherit_env=False` it gets `env` and `secret_env` alone. Raises MissingProgram, CommandError.
    """
    call = _call(argv, env, secret_env, cwd, user, inherit_env=inherit_env)
    log = os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        process = _open(call, subprocess.DEVNULL, log, subprocess.STDOUT, new_session, pass_fds)
    finally:
        os.close(log)
    # Somebody has to wait for it, or it stays a zombie as long as we live.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    return process.pid


def hold(
    argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Held:
    """Start a command that is talked to. It ends with us. Raises MissingProgram, CommandError."""
    call = _call(argv, env, None, cwd, None)
    process = _open(call, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE, new_session=True)
    return Held(process, lambda: _stop_group(process, 0.0))


def _call(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None,
    secret_env: Mapping[str, str] | None,
    cwd: Path | None,
    user: str | None,
    *,
    inherit_env: bool = True,
) -> _Call:
    who = account(user) if user is not None else None
    whole = dict(os.environ) if inherit_env else {}
    whole |= who.environment if who else {}
    whole |= {**(env or {}), **(secret_env or {})}
    return _Call(tuple(str(word) for word in argv), whole, tuple((secret_env or {}).values()), cwd, who)


def _open(
    call: _Call,
    stdin: int,
    stdout: int,
    stderr: int,
    new_session: bool,
    pass_fds: Collection[int] = (),
) -> subprocess.Popen[bytes]:
    who = call.account
    try:
        return subprocess.Popen(
            call.argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=call.env,
            cwd=call.cwd,
            start_new_session=new_session,
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=who.groups if who else None,
            pass_fds=tuple(pass_fds),
        )
    except FileNotFoundError as error:
        if call.cwd is not None and not call.cwd.is_dir():
            raise call.error(CommandError, f"no folder {call.cwd}", None, "", "") from error
        raise MissingProgram(
            f"program {call.argv[0]!r} is not installed", hint="install it, or put its folder on PATH"
        ) from error
    except OSError as error:
        raise call.error(CommandError, f"could not be started: {error.strerror}", None, "", "") from error


def _converse(
    call: _Call,
    out: Captured,
    feed: Callable[[bytes], None],
    text: str | bytes | None,
    limit_seconds: float,
    grace_seconds: float,
    ok_codes: Collection[int],
    error_lines: Lines | None = None,
) -> Completed:
    began = time.monotonic()
    err = Captured(OUTPUT_BYTES_MAX)

    def hear(chunk: bytes) -> None:
        err.feed(chunk)
        if error_lines:
            error_lines.feed(chunk)

    stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
    with _open(call, stdin, subprocess.PIPE, subprocess.PIPE, new_session=True) as process:
        said = text.encode() if isinstance(text, str) else text or b""
        try:
            Conversation(process, said, feed, hear).hold(began + limit_seconds)
        except TimeLimitReached:
            _stop_group(process, grace_seconds)
            reason = f"not done within {limit_seconds:g} s"
            shown = out.masked(call.secrets), err.masked(call.secrets)
            raise call.error(CommandTimeout, reason, None, *shown) from None
        except BaseException:  # an interrupt, or a caller's on_line: never leave the children behind
            _stop_group(process, grace_seconds)
            raise
        code = process.wait()
    if code not in ok_codes:
        died = None if code >= 0 else f"killed by {signal.strsignal(-code) or -code}"
        raise call.error(CommandError, died, code, out.masked(call.secrets), err.masked(call.secrets))
    return Completed(out.text(), err.masked(call.secrets), code, time.monotonic() - began)


def _stop_group(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Stop the whole group. Its leader is reaped last: until then nobody else can get its number."""
    fd = os.pidfd_open(process.pid)
    try:
        _signal_group(process.pid, signal.SIGINT)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll(grace_seconds * 1000)
        _signal_group(process.pid, signal.SIGKILL)
    finally:
        os.close(fd)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
