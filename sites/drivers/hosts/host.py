"""One machine: have a shell of ours do things there, or have a script wait there for the word to begin.

A shell stays open on the host, over the one connection that ssh keeps: an act is one message and its answer.
A new session for each would cost ten times that. Whoever comes while it is busy gets a session of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sites.drivers import command
from sites.drivers.held import Held, NoAnswer
from sites.drivers.hosts.address import SshAddress
from sites.drivers.hosts.failure import SSH_FAILED, failure
from sites.drivers.hosts.script import ARMED, END, alone, inside, shell
from sites.errors import CommandError, CommandTimeout, HostError, HostSilent

_T = TypeVar("_T")
_GRACE_SECONDS = 0.5
_LEAVE_SECONDS = 5.0
_ANY_CODE = range(256)
# ssh speaks English to us, and knows no other way in than the one it was given
_ENV = {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


class Host:
    """`name` is the plan's; `words` are the shell functions that its acts are made of."""

    def __init__(self, name: str, address: SshAddress, words: str = "") -> None:
        self.name = name
        self.address = address
        self.words = words
        self._busy = threading.Lock()
        self._shell: Held | None = None

    def run(self, act: str, line: str, *, limit_seconds: float) -> list[str]:
        """What a line of shell says there. It may be run twice. `act` is for errors: "ask", "start x at".

        Raises HostUnreachable, HostUntrusted, HostDenied, HostSilent, HostError; MissingProgram.
        """
        if not self._busy.acquire(blocking=False):
            return self._apart(act, line, limit_seconds)
        try:
            return self._in_shell(act, line, limit_seconds)
        finally:
            self._busy.release()

    def arm(self, act: str, script: str, *, limit_seconds: float, shared: bool = True) -> Armed:
        """Have a script wait there. Raises what `run` raises."""
        held = command.hold(self.address.argv(shared=shared), env=_ENV)
        try:
            held.say(script)
            held.hear(ARMED, limit_seconds)
        except NoAnswer as error:
            raise self._given_up(held, act, error) from error
        return Armed(self, held)

    def close(self) -> None:
        """Let the shell go; the connection stays for whoever comes next, for a while."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None

    def hang_up(self) -> None:
        """Let the shell and its connection go; whoever comes next opens new ones."""
        self.close()
        try:
            command.run(self.address.leave(), limit_seconds=_LEAVE_SECONDS, ok_codes=_ANY_CODE)
        except CommandError:  # it does not even answer to that: it gives up by itself in a moment
            return

    def silent(self, act: str, why: str) -> HostSilent:
        """The error for a host that let us in and then says nothing."""
        return HostSilent(
            f'cannot {act} host "{self.name}" ({self.address}): {why}',
            hint="what was asked may have been done or not: look there, or ask again",
        )

    def _in_shell(self, act: str, line: str, limit_seconds: float) -> list[str]:
        if self._shell is not None:
            try:
                return self._asked(self._shell, line, limit_seconds)
            except NoAnswer as error:
                failed = self._given_up(self._shell, act, error)
                if not error.ended:
                    raise failed from error
        # a connection may have been lost since the last act: that is known only by using it
        self._shell = self.arm(act, shell(self.words), limit_seconds=limit_seconds).held
        try:
            return self._asked(self._shell, line, limit_seconds)
        except NoAnswer as error:
            raise self._given_up(self._shell, act, error) from error

    def _asked(self, held: Held, line: str, limit_seconds: float) -> list[str]:
        held.say(inside(line))
        return held.hear(END, limit_seconds)[:-1]

    def _given_up(self, held: Held, act: str, error: NoAnswer) -> HostError:
        """What to raise; nobody goes on talking to `held`."""
        said = held.complaint() or str(error)
        if held is self._shell:
            self._shell = None
        held.close()
        if error.ended:
            return failure(self.name, act, str(self.address), SSH_FAILED, said)
        self.hang_up()
        return self.silent(act, str(error))

    def _apart(self, act: str, line: str, limit_seconds: float) -> list[str]:
        try:
            done = command.run(
                self.address.argv(),
                input=alone(self.words, line),
                env=_ENV,
                limit_seconds=limit_seconds,
                grace_seconds=_GRACE_SECONDS,
                ok_codes=_ANY_CODE,
            )
        except CommandTimeout as error:
            raise self.silent(act, f"no answer within {limit_seconds:g} s") from error
        lines = done.stdout.splitlines()
        if not lines or lines[-1] != END:
            raise failure(self.name, act, str(self.address), done.exit_code, done.stderr or done.stdout)
        return lines[:-1]


@dataclass(frozen=True, slots=True)
class Armed:
    """A script that waits on its host."""

    host: Host
    held: Held

    def fire(self) -> None:
        """Say the word. Raises NoAnswer when the script is gone: then nothing was done."""
        self.held.say("go\n")

    def answer(self, act: str, *, limit_seconds: float) -> list[str]:
        """What it says, without its END; then it is gone. Raises HostSilent."""
        try:
            return self.held.hear(END, limit_seconds)[:-1]
        except NoAnswer as error:
            raise self.host.silent(act, str(error)) from error
        finally:
            self.held.close()


def on_all(hosts: Mapping[str, Host], act: Callable[[Host], _T]) -> dict[str, _T]:
    """Do a thing on all hosts at the same time. Raises the first error."""
    with ThreadPoolExecutor(len(hosts), thread_name_prefix="host") as pool:
        return dict(zip(hosts, pool.map(act, hosts.values()), strict=True))
