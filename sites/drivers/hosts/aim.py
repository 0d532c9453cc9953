"""All of a site in our sights: a script waits on every host, so that the kill is one word and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sites.drivers.held import NoAnswer
from sites.drivers.hosts.host import Armed, Host, on_all
from sites.drivers.hosts.script import armed, words

ROUND_TRIP_SECONDS = 5.0


class Aim:
    """`names` says for each host what the site runs there."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        names: Callable[[str], Iterable[str]],
        *,
        kill_seconds: float,
        ask_seconds: float,
    ) -> None:
        self._hosts = hosts
        self._names = names
        self._kill_seconds = kill_seconds
        self._ask_seconds = ask_seconds
        self._armed: dict[str, Armed] = {}

    def take(self) -> None:
        """Have the scripts wait. Raises HostError."""
        self.drop()
        self._armed = on_all(self._hosts, self._arm)

    def fire(self) -> list[str]:
        """Kill everything everywhere; what all hosts say then. Raises HostError.

        A host whose waiting script is gone is told anew.
        """
        waiting, self._armed = self._armed, {}
        fired = {each.host.name: each for each in waiting.values() if _fire(each)}
        limit_seconds = self._kill_seconds + ROUND_TRIP_SECONDS

        def on(host: Host) -> list[str]:
            if host.name in fired:
                return fired[host.name].answer("kill all at", limit_seconds=limit_seconds)
            return host.run("kill all at", self.line(self._names(host.name)), limit_seconds=limit_seconds)

        return [line for lines in on_all(self._hosts, on).values() for line in lines]

    def drop(self) -> None:
        for each in self._armed.values():
            each.held.close()
        self._armed = {}

    def line(self, names: Iterable[str]) -> str:
        """What kills those on their host."""
        return f"kill_all {int(self._kill_seconds * 100)} {words(names)}"

    def _arm(self, host: Host) -> Armed:
        script = armed(host.words, self.line(self._names(host.name)))
        return host.arm("arm", script, limit_seconds=self._ask_seconds)


def _fire(armed: Armed) -> bool:
    """Whether the word went out. A script that is gone has done nothing, and its host is told anew."""
    try:
        armed.fire()
    except NoAnswer:
        armed.held.close()
        return False
    return True
