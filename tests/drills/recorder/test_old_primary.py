"""The old primary's own address through a real recorder: one that goes silent, and one that is put down."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from drills.gone import tell_at_last, tell_if_gone
from drills.recording import Recording
from sites.capability import SiteDriver
from tests.drills.recorder.running import EFFECTIVE, begin, ledger, of_kind, wait_for
from tests.drills.recorder.test_streams import judged, outside, with_old_primary
from tests.drills.test_gone import LostEstate
from tests.drills.test_guard import an_estate
from tests.fakes.orders import OrdersService

__all__ = ["outside"]


@contextlib.contextmanager
def silence(service: OrdersService) -> Iterator[None]:
    """Nobody accepts at its port, and nobody refuses: as of a machine that is cut off."""
    at = "127.0.0.1", int(service.url.rsplit(":", 1)[1])
    service.refuse()
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deaf.bind(at)
        deaf.listen(0)  # room for one: whoever comes later is not answered
        first.connect(at)
        second.setblocking(False)
        second.connect_ex(at)
        yield


def gone_again(estate: LostEstate, recording: Recording, *, waits: bool) -> None:
    if waits:
        tell_at_last(estate, estate.plan.drills["kill-primary"], recording, lambda: None)
    else:
        assert tell_if_gone(cast(SiteDriver, estate.lost), recording)


@pytest.mark.parametrize(("waits", "verdict"), [(True, "met"), (False, "inconclusive")])
def test_a_silent_one_is_proven_gone_once_its_last_writes_have_run_out(
    tmp_path: Path, service: OrdersService, outside: OrdersService, *, waits: bool, verdict: str
) -> None:
    recording = begin(with_old_primary(tmp_path, service, outside))
    recording.event("fault_begin", sync=True)
    service.refuse()
    with silence(outside):
        recording.event("fault_end")
        recording.event("fault_effective", detail=EFFECTIVE)
        estate = LostEstate(an_estate(tmp_path / "desk").plan)
        assert tell_if_gone(cast(SiteDriver, estate.lost), recording)
        bad = recording.state()
        recording.wait_until(lambda state: state.operations > bad.operations + 20, 10)
        service.name = "new"
        service.listen()
        assert recording.wait_until(lambda state: state.stable, 15).stable
        gone_again(estate, recording, waits=waits)
        recording.finish("stable")

    found, decision = judged(tmp_path)
    (split,) = found.split_brain
    assert (split.verdict, decision.verdict) == (verdict, verdict), decision.reasons
    assert ("without its server's refusal (unconnected: " in split.reason) == (not waits)


def test_it_is_written_to_no_more_when_it_is_to_be_put_down(
    tmp_path: Path, service: OrdersService, outside: OrdersService
) -> None:
    recording = begin(with_old_primary(tmp_path, service, outside))
    outside.mode = "hang"
    assert wait_for(lambda: recording.state().old_primary_oldest_ns is not None)
    recording.stop_old_primary()
    there, beside = len(outside.seen), len(service.seen)
    assert recording.state().old_primary_oldest_ns is None, "nothing is under way to it"
    assert wait_for(lambda: len(service.seen) > beside + 30), "the clients go on"
    assert len(outside.seen) == there
    recording.finish("aborted")
    records = ledger(tmp_path)
    announced = sum(each["count"] for each in of_kind(records, "intents") if each["stream"] == "orders-old")
    settled = [each for each in of_kind(records, "operation") if each["stream"] == "orders-old"]
    assert len(settled) == announced
