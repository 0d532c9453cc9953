"""A network of a site's own: a namespace with one wire to the machine, which a partition cuts.

The wire's end in the site has the declared address, the machine's end the one before it. Both are of a
network of four addresses, and all of it goes with the site's last process; or, where that had sent what
nobody received, later, so that a new wire takes an old one away. From there one reaches the machine, and what
runs there without a network of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from sites.capability import Proof
from sites.drivers import command
from sites.drivers.packets import TABLE, has_table, rules
from sites.drivers.processes.record import SiteRecord
from sites.errors import SiteError
from sites.strikable import Direction

PREFIX = 30
_WIRE = "bs"
_LIMIT_SECONDS = 10.0
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_PROGRAMS = ("ip", "nsenter", "nft")


class OwnNetwork:
    """The network of one site. Everything in it is done as of the site's first process."""

    def __init__(self, site: str, address: IPv4Address) -> None:
        self._site = site
        self.address = address

    def require(self) -> None:
        """Raises SiteError where no site can have a network of its own."""
        missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
        if os.geteuid() != 0 or missing:
            why = f"not installed: {', '.join(missing)}" if missing else "that needs root"
            raise SiteError(
                f'cannot give site "{self._site}" a network of its own: {why}',
                hint="without `network` the site shares the machine's, and cannot be cut off",
            )

    def wire(self, record: SiteRecord) -> None:
        """Join a namespace that was just made to the machine. Raises BlackstartError."""
        outside = f"{_WIRE}{record.pid}"
        for argv in (
            *(["ip", "link", "delete", left] for left in self._left_over()),
            ["ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(record.pid)],
            ["ip", "address", "add", f"{self.address - 1}/{PREFIX}", "dev", outside],
            ["ip", "link", "set", outside, "up"],
        ):
            self._run(argv)
        for words in (
            ["address", "add", f"{self.address}/{PREFIX}", "dev", "eth0"],
            ["link", "set", "lo", "up"],
            ["link", "set", "eth0", "up"],
            ["route", "add", "default", "via", str(self.address - 1)],
        ):
            self._run([*_inside(record), "ip", *words])

    def _left_over(self) -> list[str]:
        """Wires of earlier lives of this site: packets to its address would go there."""
        shown = command.run(
            ["ip", "-o", "-4", "address", "show", "to", f"{self.address - 1}/32"],
            limit_seconds=_LIMIT_SECONDS,
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
        names = (line.split()[1] for line in shown.stdout.splitlines())
        return [name for name in names if name.startswith(_WIRE)]

    def why_not(self, record: SiteRecord | None) -> str | None:
        """Why the site cannot be cut off now; None if it can. Changes nothing."""
        if record is None or record.first() is None:
            return "nothing runs there"
        if _shares_ours(record):
            return "it came up in the machine's own network; what is done to that hits everybody"
        code, said = self.inside(record, ["nft", "list", "tables"])
        return f"nft does not work there: {said.strip()}" if code else None

    def cut(self, record: SiteRecord | None, direction: Direction) -> Proof:
        why = self.why_not(record)
        if why is not None or record is None:
            return Proof(False, f'site "{self._site}" cannot be cut off: {why}')
        self._run([*_inside(record), "nft", "-f", "-"], rules(direction))
        return self.is_cut(record)

    def is_cut(self, record: SiteRecord | None) -> Proof:
        if record is None or record.first() is None:
            return Proof(False, f'no process of site "{self._site}" is there')
        there = has_table(*self.inside(record, ["nft", "list", "table", *TABLE.split()]))
        if there is None:
            raise SiteError(f'cannot ask site "{self._site}" whether it is cut off: nft does not tell')
        return Proof(there, f'packets of site "{self._site}" are {"" if there else "not "}dropped')

    def mend(self, record: SiteRecord | None) -> Proof:
        """Drop nothing any more. What has ended took its cut along."""
        proof = self.is_cut(record)
        if record is not None and proof.holds:
            self._run([*_inside(record), "nft", "delete", "table", *TABLE.split()])
            proof = self.is_cut(record)
        return Proof(not proof.holds, proof.how)

    def inside(self, record: SiteRecord, argv: Sequence[str]) -> tuple[int, str]:
        """Run a program in the site's network: its exit code, and all that it said."""
        done = command.run(
            [*_inside(record), *argv],
            limit_seconds=_LIMIT_SECONDS,
            env={"PATH": _PATH, "LC_ALL": "C"},
            ok_codes=range(256),
        )
        return done.exit_code, done.stdout + done.stderr

    def _run(self, argv: Sequence[str], said: str | None = None) -> None:
        command.run(argv, input=said, limit_seconds=_LIMIT_SECONDS, env={"PATH": _PATH, "LC_ALL": "C"})


def _inside(record: SiteRecord) -> list[str]:
    return ["nsenter", f"--net=/proc/{record.pid}/ns/net", "--"]


def _shares_ours(record: SiteRecord) -> bool:
    ours = Path("/proc/self/ns/net").readlink()
    return Path(f"/proc/{record.pid}/ns/net").readlink() == ours
