from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.orders import OrdersService


@pytest.fixture
def service() -> Iterator[OrdersService]:
    running = OrdersService()
    yield running
    running.close()
