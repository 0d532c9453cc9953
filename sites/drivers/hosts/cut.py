"""Cut a site's hosts off by nft rules on each of them. Partitionable.

A cut also cuts us off, so each host carries its own way back: a dead-man there, armed before the rules are
in force. One connection is spared, which nothing but this undo goes through: a fence, a status, a client find
the silence that they would find in earnest. When it breaks, because we are gone, or when the deadline has
passed, the host connects itself again; nobody has asked the other site then, so it first kills what the site
runs there. Where that fails it stays cut off.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sites.capability import Proof
from sites.drivers.held import NoAnswer
from sites.drivers.hosts.host import Armed, Host
from sites.drivers.hosts.script import ARMED, END, alone
from sites.errors import HostError, HostSilent, HostUnreachable
from sites.strikable import Direction

_CUT = "\n".join(
    (Path(__file__).parent / name).read_text(encoding="utf-8")
    for name in ("rules.sh", "way_back.sh", "cut.sh")
)
_LOOK_SECONDS = 10.0
AGAIN_SECONDS = 5.0  # between tries of a host that has nobody to tell that it could not kill
TRIES = 12


class Cut:
    """`names` says for each host what the site runs there. `everywhere` does a thing on all hosts at once."""

    def __init__(
        self,
        site: str,
        hosts: Mapping[str, Host],
        names: Callable[[str], list[str]],
        *,
        limit_seconds: float,
        kill_seconds: float,
        ask_seconds: float,
    ) -> None:
        self._site = site
        self._hosts = hosts
        self._names = names
        self._limit_seconds = limit_seconds
        self._kill_seconds = kill_seconds
        self._ask_seconds = ask_seconds
        self._waiting: dict[str, Armed] = {}
        self._spared: dict[str, Armed] = {}

    def cannot(self) -> str | None:
        """Why it cannot be done. Else a script waits on each host, over a connection of its own."""
        try:
            for host in self._hosts.values():
                why = self._why_not(host)
                if why is not None:
                    return f'host "{host.name}": {why}'
            self._arm()
        except HostError as error:
            return str(error)
        return None

    def cut(self, direction: Direction) -> Proof:
        """Drop packets; return once every host says that its rules are in force."""
        if self._spared and (proof := self.look()).holds:
            return proof
        for over in self._spared.values():  # a dead-man was quicker than we
            over.held.close()
        self._spared = {}
        why = self.cannot() if not self._waiting else None
        if why is not None:
            return Proof(False, why)
        waiting, self._waiting = self._waiting, {}
        told: dict[str, str] = {}
        for armed in waiting.values():
            _say(armed, f"go {direction} {self._limit_seconds:g}")
        for name, armed in waiting.items():
            lines = _hear(armed, self._ask_seconds)
            told |= {f"{name} {line.split()[0]}": line.partition(" ")[2] for line in lines}
            if any(line.startswith("cut ") for line in lines):
                self._spared[name] = armed
        if set(self._spared) == set(self._hosts):
            return Proof(True, f"packets are dropped on {', '.join(self._spared)}", {**told})
        return Proof(False, f"not in force on every host: {told}", {**told})

    def look(self) -> Proof:
        """Whether packets are dropped on every host. A host that is silent is taken to be cut off."""
        cut: dict[str, str] = {}
        for name, host in self._hosts.items():
            said = self._looked(host)
            if not said.startswith("cut"):
                since = said.removeprefix("open").strip()
                return Proof(False, f'host "{name}" drops nothing{f": {since}" if since else ""}')
            cut[name] = said
        return Proof(True, "; ".join(f'host "{name}": {said}' for name, said in cut.items()))

    def lift(self) -> Proof:
        """Drop no more. Only to be done when the other site was asked, or the site is fenced."""
        return self._lift("lift")

    def lift_fenced(self) -> Proof:
        """Kill everything that the site runs, on each host by itself, and only then drop no more."""
        return self._lift("lift_fenced")

    def close(self) -> None:
        for armed in (*self._waiting.values(), *self._spared.values()):
            armed.held.close()
        self._waiting, self._spared = {}, {}

    def _lift(self, word: str) -> Proof:
        how = {name: self._lifted(host, word) for name, host in self._hosts.items()}
        failed = [f'host "{name}": {said}' for name, said in how.items() if not said.startswith("lifted")]
        if failed:
            return Proof(False, "; ".join(failed))
        return Proof(True, "; ".join(f'host "{name}" {said}' for name, said in how.items()))

    def _lifted(self, host: Host, word: str) -> str:
        """How it was lifted there, in words that begin with "lifted"; or why it was not."""
        if (said := self._lifted_by_spared(host.name, word)) is not None:
            return said
        act = f"{word} blackstart" + (" $names" if word == "lift_fenced" else "")
        try:
            lines = host.run(
                "reconnect", self._text(host, act), limit_seconds=self._kill_seconds + _LOOK_SECONDS
            )
        except (HostUnreachable, HostSilent) as error:
            return (
                f"{error}; if it is still cut off, it connects itself again {self._limit_seconds:g} s after "
                "the cut, and kills what the site runs there first: recover again then; where it cannot "
                f"kill it, it stays cut off and says so on its console in {self._room}/undone"
            )
        except HostError as error:
            return str(error)
        return _lifting(lines) or "; ".join(lines) or "it said nothing"

    def _lifted_by_spared(self, name: str, word: str) -> str | None:
        """What the spared connection says to it; None where it cannot be had. After a failure it is kept."""
        if (spared := self._spared.get(name)) is None:
            return None
        _say(spared, word)
        said = _lifting(_hear(spared, self._kill_seconds + self._ask_seconds))
        if said is None or said.startswith("lifted"):
            spared.held.close()
            del self._spared[name]
        return said

    def _looked(self, host: Host) -> str:
        spared = self._spared.get(host.name)
        if spared is not None:
            _say(spared, "look")
            for line in _hear(spared, self._ask_seconds):
                return line
        try:
            return next(
                iter(host.run("look at", self._text(host, "look"), limit_seconds=_LOOK_SECONDS)), "open"
            )
        except HostError as error:
            return f"cut, as far as can be told: {error}"

    def _why_not(self, host: Host) -> str | None:
        lines = host.run(
            "ask", self._text(host, f"able {self._others(host)}"), limit_seconds=self._ask_seconds
        )
        told = dict(line.split(" ", 1) for line in lines)
        if "unable" in told:
            return told["unable"]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        if told.get("place") == f"{boot} {os.readlink('/proc/self/ns/net')}":  # noqa: PTH115  a string is wanted
            return "it is the machine that blackstart itself runs on"
        return None

    def _arm(self) -> None:
        self.close()
        for name, host in self._hosts.items():
            read = f'echo {ARMED}\nread -r word direction seconds && [ "$word" = go ] || exit 0'
            act = f'{read}\ncut_off "$direction" "$seconds" {self._others(host)}'
            text = alone(host.words, self._text(host, act, deadman=True))
            self._waiting[name] = host.arm("arm", text, limit_seconds=self._ask_seconds, shared=False)

    @property
    def _room(self) -> str:
        return f"/run/blackstart/{self._site}"

    def _others(self, host: Host) -> str:
        return shlex.join(each.address.address for each in self._hosts.values() if each is not host)

    def _text(self, host: Host, act: str, *, deadman: bool = False) -> str:
        """The functions of a cut, what they need to know, and the act; `deadman`: with all that it needs."""
        known = {
            "site": self._site,
            "room": self._room,
            "table": f"blackstart_cut_{self._site.replace('-', '_')}",
            "names": shlex.join(self._names(host.name)),
            "hundredths": str(int(self._kill_seconds * 100)),
            "tries": str(TRIES),
            "again": f"{AGAIN_SECONDS:g}",
        }
        told = "\n".join(f"{name}={shlex.quote(value)}" for name, value in known.items())
        # it is a script of its own
        words = shlex.quote(f"{host.words}\n{told}\n{_CUT}") if deadman else "''"
        return f"{told}\nours=$SSH_CONNECTION\nwords={words}\n{_CUT}\n{act}"


def _lifting(lines: Iterable[str]) -> str | None:
    """How it was lifted, or that this failed; None where nothing is said of it."""
    return next((line for line in lines if line.startswith(("lifted by ", "failed "))), None)


def _say(armed: Armed, word: str) -> None:
    """Whether it was heard shows in the answer."""
    try:
        armed.held.say(f"{word}\n")
    except NoAnswer:
        armed.held.close()


def _hear(armed: Armed, limit_seconds: float) -> list[str]:
    """What it said up to its END; nothing when it does not answer: then it is asked another way."""
    try:
        return armed.held.hear(END, limit_seconds)[:-1]
    except (NoAnswer, ValueError):  # the latter after it was closed
        armed.held.close()
        return []
