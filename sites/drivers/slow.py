"""Make a network namespace slow: packets lost by nft, a rate by tc's tbf, latency by a relay of ours.

All of it bears our mark and is taken away by it: a table by its name, a queue by its handle. Nothing needs
netem, which many kernels lack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sites.capability import Proof
from sites.drivers.packets import has_table
from sites.errors import SiteError
from sites.strikable import Slowness

TABLE, RELAY_TABLE = "inet blackstart_slow", "ip blackstart_relay"
_HANDLE = "b1ac:"
_BEFORE_MOST = -290
_DESTINATION_NAT = -100
_QUEUE_SECONDS = 0.4
_NO_SUCH_PROGRAM = 127  # as a shell says it
_BURST_BYTES_MIN = 16 << 10  # less than a few packets, and nothing passes at all

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Run a program in the namespace: its exit code and all that it said."""


def loss_rules(percent: float) -> str:
    """For each way. The loopback loses nothing."""
    lost = f"numgen random mod 10000 <= {max(round(percent * 100), 1) - 1} drop"
    chains = "".join(
        f'chain {hook} {{\ntype filter hook {hook} priority {_BEFORE_MOST};\n{name} != "lo" {lost}\n}}\n'
        for hook, name in (("input", "iifname"), ("output", "oifname"))
    )
    return f"add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{chains}}}\n"


def relay_rules(port: int) -> str:
    """New TCP connections from outside are sent to the relay, but for those to itself."""
    where = f"type nat hook prerouting priority {_DESTINATION_NAT};"
    rule = f'iifname != "lo" meta l4proto tcp tcp dport != {port} redirect to :{port}'
    chain = f"chain prerouting {{\n{where}\n{rule}\n}}\n"
    return f"add table {RELAY_TABLE}\ndelete table {RELAY_TABLE}\ntable {RELAY_TABLE} {{\n{chain}}}\n"


class Slow:
    """One namespace; `name` is for people. All acts raise SiteError."""

    def __init__(self, name: str, run: Run) -> None:
        self._name = name
        self._run = run

    def why_not(self, wanted: Slowness) -> str | None:
        """What is missing. Changes nothing."""
        needed = [["nft", "list", "tables"]]
        needed += [["tc", "qdisc", "show"], ["ip", "link", "show"]] if wanted.rate_bits else []
        for argv in needed:
            code, said = self._run(argv)
            if code != 0:
                return f"{argv[0]} does not work there: {said.strip()[-200:]}"
        return None

    def lose(self, percent: float) -> None:
        self._must("lose packets of", ["nft", loss_rules(percent)])

    def divert(self, port: int) -> None:
        self._must("divert the connections of", ["nft", relay_rules(port)])

    def limit(self, rate_bits: int) -> None:
        """What is sent from there. Raises SiteError where a queue of somebody else's is in the place."""
        burst = max(rate_bits // 8 // 50, _BURST_BYTES_MIN)
        shape = [
            "tbf",
            "rate",
            f"{rate_bits}bit",
            "burst",
            str(burst),
            "latency",
            f"{_QUEUE_SECONDS * 1000:.0f}ms",
        ]
        for interface in self._interfaces():
            self._must("limit", ["tc", "qdisc", "add", "dev", interface, "root", "handle", _HANDLE, *shape])

    def marks(self) -> list[str]:
        """What of ours is there now."""
        found = [table for table in (TABLE, RELAY_TABLE) if self._has(table)]
        return found + [f"queue of {name}" for name in self._limited()]

    def clear(self) -> None:
        """Take away what is ours. No effect if nothing is."""
        for table in (TABLE, RELAY_TABLE):
            if self._has(table):
                self._must("quicken", ["nft", f"delete table {table}"])
        for interface in self._limited():
            self._must("quicken", ["tc", "qdisc", "del", "dev", interface, "root"])

    def is_slow(self) -> Proof:
        marks = self.marks()
        return Proof(bool(marks), f"{self._name}: {', '.join(marks) or 'nothing of ours slows it down'}")

    def _has(self, table: str) -> bool:
        code, said = self._run(["nft", f"list table {table}"])
        if (there := has_table(code, said)) is None:
            raise SiteError(f"cannot ask {self._name} whether it is slow: nft: {said.strip()[-200:]}")
        return there

    def _limited(self) -> list[str]:
        """Where there is no tc there is no queue of ours."""
        code, said = self._run(["tc", "qdisc", "show"])
        if code not in (0, _NO_SUCH_PROGRAM):
            raise SiteError(f"cannot ask {self._name} whether it is slow: tc: {said.strip()[-200:]}")
        words = [line.split() for line in said.splitlines()]
        return [line[line.index("dev") + 1] for line in words if _HANDLE in line and "dev" in line]

    def _interfaces(self) -> list[str]:
        said = self._must("ask", ["ip", "-o", "link", "show", "up"])
        names = [line.split(":")[1].strip().partition("@")[0] for line in said.splitlines()]
        return [name for name in names if name != "lo"]

    def _must(self, act: str, argv: Sequence[str]) -> str:
        code, said = self._run(argv)
        if code != 0:
            raise SiteError(f"cannot {act} {self._name}: {argv[0]}: {said.strip()[-200:]}")
        return said
