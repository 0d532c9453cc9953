"""The strategies: they trade through their own gateway, and do not start without what they need."""

from __future__ import annotations

import sys
from pathlib import Path

import market_data
import pytest

from sites.drivers.processes.site import ProcessSite, ProcessSpec
from tests.examples.conftest import DESK, Book, Programs, call, listed
from tests.sites.drivers.waiting import wait_until


def engine(gateway: int, folder: Path) -> ProcessSpec:
    where = ("--strategies", str(folder / "strategies"), "--ticks", str(folder / "ticks"), "--every", "0.01")
    return ProcessSpec((sys.executable, str(DESK / "engine.py"), "--gateway", f"127.0.0.1:{gateway}", *where))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "one.json").write_bytes(market_data.strategy(0, 7))
    (tmp_path / "ticks" / "AAX").mkdir(parents=True)
    (tmp_path / "ticks" / "AAX" / "day-000.csv").write_bytes(market_data.ticks("AAX", 0, 7))
    return tmp_path


def test_orders_go_through_the_gateway(
    site: ProcessSite, programs: Programs, book: Book, files: Path
) -> None:
    venue = programs.venue()
    gateway = programs.gateway(book, venue)
    site.launch("engine", engine(gateway, files))
    wait_until("orders arrive", lambda: call(venue, "GET", "/health").content["orders"] > 3)
    site.stop("engine")
    orders = listed(call(gateway, "GET", "/orders?prefix=engine-"))
    assert len(orders) > 3
    assert all("AAX @ " in row["payload"] for row in orders.values())


@pytest.mark.parametrize("gone", ["strategies/one.json", "ticks/AAX/day-000.csv"])
def test_without_strategies_or_market_data_nothing_starts(site: ProcessSite, files: Path, gone: str) -> None:
    (files / gone).unlink()
    name = f"engine-{Path(gone).stem}"
    site.launch(name, engine(1, files))
    wait_until("it has ended", lambda: name not in site.running())
    log = (site.path / "logs" / f"{name}.log").read_text()
    assert "nothing to run" in log or "no market data" in log
