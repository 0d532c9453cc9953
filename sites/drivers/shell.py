"""A canary's client made of the user's own commands: one run for each operation.

A command says by its exit code how the operation ended: 0 the commit was confirmed, 69 (EX_UNAVAILABLE)
certainly nothing was done, 68 (EX_NOHOST) nothing either, for nobody listens there, 77 (EX_NOPERM) a server
that runs refused it itself, anything else nobody knows.
The first line that it prints names who answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from sites.capability import Outcome, ReadBack
from sites.drivers import command
from sites.drivers.masking import mask
from sites.errors import BlackstartError, CommandError, CommandTimeout, DatasetError, MissingProgram
from sites.secret import Secret

NOBODY_LISTENS = 68
CERTAINLY_NOT = 69
REFUSED_THERE = 77
GRACE_SECONDS = 0.2  # a command that is past its limit has lost already; its number is indeterminate
ADDRESS_LETTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class ShellCommands:
    """The commands, and what they find in their environment beside stream and number.

    `address` is what clients connect to. `site` is set where the commands must talk to one site alone.
    """

    write: tuple[str, ...]
    read: tuple[str, ...]
    delete: tuple[str, ...] | None = None
    address: str = ""
    site: str = ""
    env: dict[str, str | Secret] = field(default_factory=dict)
    cwd: Path | None = None
    kind: Literal["shell"] = "shell"


class ShellClient:
    """Implements `sites.capability.Client`. Commands run on threads: the loop never waits for one.

    `workers` is how many may be under way at once. Raises PlanError when a secret cannot be had.
    """

    def __init__(
        self,
        commands: ShellCommands,
        *,
        run: str,
        limit_seconds: float,
        workers: int,
        read_limit_seconds: float = 30.0,
    ) -> None:
        self._commands = commands
        self._run = run
        self._limit_seconds = limit_seconds
        self._read_limit_seconds = read_limit_seconds
        plain = {key: value for key, value in commands.env.items() if isinstance(value, str)}
        self._secret_env = {k: v.resolve() for k, v in commands.env.items() if isinstance(v, Secret)}
        self._env = {
            **plain,
            "BLACKSTART_RUN": run,
            "BLACKSTART_ADDRESS": commands.address,
            "BLACKSTART_SITE": commands.site,
        }
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="shell")

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        """Run the write command, once. Never raises for what it does."""
        return await self._operate(self._commands.write, stream, number, payload)

    async def delete(self, stream: str, number: int) -> Outcome:
        if self._commands.delete is None:
            return Outcome("failed", "no delete command")
        return await self._operate(self._commands.delete, stream, number, b"")

    async def read_back(self, stream: str) -> ReadBack:
        """Run the read command. Raises DatasetError when it fails or prints what is no listing."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._list, stream)

    async def aclose(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _operate(self, argv: Sequence[str], stream: str, number: int, payload: bytes) -> Outcome:
        deadline = time.monotonic() + self._limit_seconds
        loop = asyncio.get_running_loop()
        env = {**self._named(stream), "BLACKSTART_NUMBER": str(number)}
        return await loop.run_in_executor(self._pool, self._call, argv, env, payload, deadline)

    def _named(self, stream: str) -> dict[str, str]:
        return {**self._env, "BLACKSTART_STREAM": f"{self._run[:8]}-{stream}"}

    def _call(self, argv: Sequence[str], env: dict[str, str], payload: bytes, deadline: float) -> Outcome:
        left = deadline - time.monotonic()
        if left <= 0:
            return Outcome("failed", "unstarted")
        try:
            done = command.run(
                argv,
                limit_seconds=left,
                env=env,
                secret_env=self._secret_env,
                input=payload,
                cwd=self._commands.cwd,
                grace_seconds=GRACE_SECONDS,
            )
        except MissingProgram:
            return Outcome("failed", "missing program")
        except CommandTimeout:
            return Outcome("indeterminate", "timeout")
        except CommandError as error:
            return _unconfirmed(error.exit_code_of_command)
        said = mask(done.stdout, self._secret_env.values())  # it goes into the evidence
        return Outcome("acknowledged", "exit 0", _first_line(said))

    def _list(self, stream: str) -> ReadBack:
        listing = _Listing()
        try:
            command.watch(
                self._commands.read,
                on_line=listing.take,
                limit_seconds=self._read_limit_seconds,
                env=self._named(stream),
                secret_env=self._secret_env,
                cwd=self._commands.cwd,
                grace_seconds=GRACE_SECONDS,
            )
        except (BlackstartError, ValueError) as error:
            raise DatasetError(f"cannot read stream {stream!r} back by command: {error}") from error
        return ReadBack(listing.rows, listing.count, listing.count is not None)


def _unconfirmed(code: int | None) -> Outcome:
    """How an operation ended whose command did not exit 0; no code: it never ran."""
    if code is None:
        return Outcome("failed", "unstarted")
    if code == NOBODY_LISTENS:
        return Outcome("failed", "refused")
    if code == CERTAINLY_NOT:  # for whatever reason: no route, and silence, too
        return Outcome("failed", "not done")
    if code == REFUSED_THERE:
        return Outcome("failed", "denied")
    return Outcome("indeterminate", f"exit {code}" if code > 0 else f"signal {-code}")


def _first_line(text: str) -> str | None:
    return text.strip().partition("\n")[0].strip()[:ADDRESS_LETTERS_MAX] or None


class _Listing:
    """Takes "NUMBER PAYLOAD" lines and the "END COUNT" that ends them. Raises ValueError for other lines."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str]] = []
        self.count: int | None = None

    def take(self, line: str) -> None:
        word, _, rest = line.rstrip("\r\n").partition(" ")
        if self.count is not None or not (word == "END" or (word.isascii() and word.isdigit())):
            raise ValueError(f'not a line of a listing: {line[:80]!r}; it is "NUMBER PAYLOAD" or "END COUNT"')
        if word == "END":
            if not (rest.isascii() and rest.isdigit()):
                raise ValueError(f"not a count: {rest[:80]!r}")
            self.count = int(rest)
        else:
            self.rows.append((int(word), sha256(rest.encode("utf-8", "surrogateescape")).hexdigest()))
