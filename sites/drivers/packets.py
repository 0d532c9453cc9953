"""The packet rules that cut a network namespace off: one table of nft, for IPv4 and IPv6 alike.

It is ours alone by its name, drops what passes in the directions it was told, and goes with its namespace.
"""

from __future__ import annotations

from sites.strikable import Direction

TABLE = "inet blackstart_cut"
_NO_SUCH_PROGRAM = 127  # as a shell says it
_BEFORE_ALL_OTHERS = -300
# What ARP is to IPv4, which no such table sees: without it a client is told in a moment that nobody is there.
_NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"


def has_table(code: int, said: str) -> bool | None:
    """Whether there is the table that nft was asked for; None if what it said does not tell."""
    if code == 0:
        return True
    missing = code != _NO_SUCH_PROGRAM and "No such file or directory" in said
    return False if missing else None


def rules(direction: Direction) -> str:
    """What nft is told: whatever was cut before is replaced. The loopback stays: it leads nowhere."""
    chains = []
    if direction in ("both", "inbound"):
        chains.append(_chain("inbound", "input", "iifname"))
    if direction in ("both", "outbound"):
        chains.append(_chain("outbound", "output", "oifname"))
    # added first, so that there is one to delete; nft does all of it at once or nothing
    return f"add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{''.join(chains)}}}\n"


def _chain(name: str, hook: str, interface: str) -> str:
    where = f"type filter hook {hook} priority {_BEFORE_ALL_OTHERS}; policy drop;"
    return f'chain {name} {{\n{where}\n{interface} "lo" accept\n{_NEIGHBOURS}\n}}\n'
