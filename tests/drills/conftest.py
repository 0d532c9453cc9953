"""Real PostgreSQL pairs for what is undone without us, and the least estate whose primary is up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sites.estate import Estate
from tests.drills.small_drill import small_estate
from tests.sites.drivers.conftest import new_pair, template

__all__ = ["new_pair", "template"]


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    made = small_estate(tmp_path)
    made.site("primary").up()
    yield made
    made.site("primary").kill()
