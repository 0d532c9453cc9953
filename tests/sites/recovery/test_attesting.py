"""One writer is attested by both servers: one that starts up is asked again, one that takes writes is not."""

from __future__ import annotations

import pytest

from sites.capability import Proof
from sites.errors import RunbookError
from sites.recovery.attesting import attest

STARTING = Proof(False, "FATAL: the database system is starting up: that is no refused write")
REFUSES = Proof(True, "is in recovery and takes no writes")
TAKES = Proof(False, "takes writes")


class Servers:
    """`old` answers with these, one after the other; the last for good."""

    def __init__(self, *old: Proof, new_writes: bool = True) -> None:
        self.old, self.new_writes, self.asked = list(old), new_writes, 0

    def writable(self, site: str) -> bool | None:
        return self.new_writes if site == "new" else self.old[0] is TAKES

    def refuses_write(self, _site: str) -> Proof:
        self.asked += 1
        return self.old.pop(0) if len(self.old) > 1 else self.old[0]


def test_a_server_that_is_starting_up_is_asked_again() -> None:
    servers = Servers(STARTING, STARTING, REFUSES)
    attest("orders", servers, "new", "old", 60)
    assert servers.asked == 3


def test_one_that_never_says_no_is_no_proof() -> None:
    with pytest.raises(RunbookError, match=r"FATAL: .* starting up"):
        attest("orders", Servers(STARTING), "new", "old", 0.12)


def test_one_that_takes_writes_is_not_waited_for() -> None:
    servers = Servers(TAKES)
    with pytest.raises(RunbookError, match="takes writes"):
        attest("orders", servers, "new", "old", 60)
    assert servers.asked == 1


def test_the_new_one_has_to_take_writes() -> None:
    servers = Servers(REFUSES, new_writes=False)
    with pytest.raises(RunbookError, match='takes no writes at site "new"'):
        attest("orders", servers, "new", "old", 60)
    assert servers.asked == 0
