"""What must not be started at a site behind a fence: a database that would take writes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from sites import standby_signal
from sites.drivers.hosts.host import Host
from sites.errors import BlackstartError
from sites.fences import Fences
from sites.plan import Plan, PostgresServer
from sites.site_drivers import file_on


class Barring:
    """For all sites of a plan. `hosts` are the machines of a site that is made of them."""

    def __init__(self, plan: Plan, hosts: Callable[[str], Mapping[str, Host]]) -> None:
        self._plan = plan
        self._hosts = hosts

    def why_not(self, site: str, process: str) -> str | None:
        """Why a process must not be started at a site; None if it may be."""
        fences = Fences(self._plan.state)
        if not fences.raised(site):
            return None
        for server in self._servers():
            if (server.site, server.process) == (site, process) and (why := self._why_it_writes(server)):
                return f"the site is fenced ({fences.file(site)}), and {why}"
        return None

    def _why_it_writes(self, server: PostgresServer) -> str | None:
        """None if it is seen that it was made a standby: one that is only fenced has nobody to follow."""
        place, would_not = self._plan.sites[server.site], "it would not start as a standby"
        if server.data is None or place.kind not in ("processes", "hosts"):
            return "nothing shows that it would start as a standby"
        signal = server.data / standby_signal.NAME
        if place.kind == "processes":
            return None if _made_a_standby(signal) else would_not
        try:
            host = self._hosts(server.site)[place.host_of(server.process or "") or ""]
            return None if file_on(host, PurePosixPath(signal), without=standby_signal.MARK) else would_not
        except BlackstartError as error:
            return f"whether it would start as a standby cannot be asked: {error}"

    def _servers(self) -> list[PostgresServer]:
        nouns = [noun for noun in self._plan.datasets.values() if noun.kind == "postgres"]
        return [server for noun in nouns for server in (noun.primary, noun.standby) if server is not None]


def _made_a_standby(signal: Path) -> bool:
    return signal.exists() and standby_signal.MARK not in signal.read_text(errors="replace")
