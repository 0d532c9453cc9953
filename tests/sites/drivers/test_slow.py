"""What slows a network down is found by its mark; what cannot be asked is never taken for gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sites.drivers.slow import Run, Slow, loss_rules, relay_rules
from sites.errors import SiteError
from sites.strikable import Slowness

OURS = "qdisc tbf b1ac: dev eth0 root refcnt 2 rate 1Mbit\nqdisc noqueue 0: dev lo root\n"
NOT_THERE = "Error: No such file or directory"
THEIRS = "qdisc tbf 8001: dev eth0 root refcnt 2 rate 1Mbit\n"


def answering(*, nft: tuple[int, str], tc: tuple[int, str]) -> Run:
    def run(argv: Sequence[str]) -> tuple[int, str]:
        return {"nft": nft, "tc": tc}[argv[0]]

    return run


@pytest.mark.parametrize(
    ("tc", "slow"), [((0, OURS), True), ((0, THEIRS), False), ((0, ""), False), ((127, "not found"), False)]
)
def test_a_queue_is_ours_by_its_handle(tc: tuple[int, str], slow: bool) -> None:
    assert Slow("a site", answering(nft=(1, NOT_THERE), tc=tc)).is_slow().holds is slow


def test_a_table_of_ours_is_enough() -> None:
    assert Slow("a site", answering(nft=(0, "table"), tc=(0, ""))).is_slow().holds


@pytest.mark.parametrize(
    ("nft", "tc"),
    [
        ((1, "Operation not permitted"), (0, "")),
        ((127, f"nsenter: failed to execute nft: {NOT_THERE}"), (0, "")),
        ((1, NOT_THERE), (2, "cannot talk to the kernel")),
    ],
)
def test_what_cannot_be_asked_is_not_taken_for_gone(nft: tuple[int, str], tc: tuple[int, str]) -> None:
    slow = Slow("a site", answering(nft=nft, tc=tc))
    with pytest.raises(SiteError, match="cannot ask a site whether it is slow"):
        slow.is_slow()
    with pytest.raises(SiteError, match="cannot ask a site whether it is slow"):
        slow.clear()


def test_what_is_missing_is_named() -> None:
    slow = Slow("a site", answering(nft=(0, ""), tc=(127, "tc: not found")))
    assert slow.why_not(Slowness(loss_percent=1)) is None
    assert slow.why_not(Slowness(rate_bits=1000)) == "tc does not work there: tc: not found"


@pytest.mark.parametrize(("percent", "last"), [(100, 9999), (50, 4999), (0.01, 0), (0.001, 0)])
def test_a_share_is_of_ten_thousand(percent: float, last: int) -> None:
    assert loss_rules(percent).count(f"numgen random mod 10000 <= {last} drop") == 2


def test_the_relay_is_not_sent_to_itself() -> None:
    assert "tcp dport != 61984 redirect to :61984" in relay_rules(61984)
