"""What every replicated dataset must do whose copy can become the writable one, the fake included.

A new kind of dataset adds its arena to `ARENAS`: a dataset "orders" with its writable copy at "primary" and a
standby at "dr", and a way to lose each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest

from sites.capability import Promotable, Proof
from sites.errors import DatasetError, SiteError
from tests.fakes.dataset import FakeDataset
from tests.sites.drivers.pairs import Pair
from tests.sites.shell_store import ShellStore


class Dataset(Promotable, Protocol):
    def refuses_write(self, site: str) -> Proof: ...


@dataclass(frozen=True, slots=True)
class Arena:
    dataset: Dataset
    lose: Callable[[str], object]


def fake(_: pytest.FixtureRequest) -> Arena:
    dataset = FakeDataset("orders", "primary", "dr")
    return Arena(dataset, dataset.down.add)


def postgres(request: pytest.FixtureRequest) -> Arena:
    new_pair: Callable[..., Pair] = request.getfixturevalue("new_pair")
    pair = new_pair(synchronous=True)
    return Arena(pair.dataset, lambda site: {"primary": pair.primary, "dr": pair.dr}[site].kill())


def shell(request: pytest.FixtureRequest) -> Arena:
    store = ShellStore(request.getfixturevalue("tmp_path"), "orders")
    return Arena(store.dataset, store.lose)


ARENAS = {"fake": fake, "shell": shell, "postgres": postgres}


@pytest.fixture(params=["fake", "shell", pytest.param("postgres", marks=pytest.mark.postgres)])
def arena(request: pytest.FixtureRequest) -> Arena:
    return ARENAS[request.param](request)


def test_one_copy_takes_writes_and_the_other_follows_it(arena: Arena) -> None:
    assert isinstance(arena.dataset, Promotable)
    assert (arena.dataset.writable("primary"), arena.dataset.writable("dr")) == (True, False)
    assert arena.dataset.in_sync().holds
    assert not arena.dataset.refuses_write("primary").holds
    assert arena.dataset.refuses_write("dr").holds


def test_when_the_primary_is_lost_the_standby_takes_over(arena: Arena) -> None:
    arena.lose("primary")

    assert arena.dataset.writable("primary") is None
    assert arena.dataset.writable("dr") is False
    assert arena.dataset.refuses_write("primary").holds
    assert not arena.dataset.in_sync().holds

    arena.dataset.promote("dr", limit_seconds=20)
    arena.dataset.promote("dr", limit_seconds=20)

    assert arena.dataset.writable("dr") is True
    assert not arena.dataset.refuses_write("dr").holds


def test_a_promotion_beside_a_living_primary_shows_as_two_writers(arena: Arena) -> None:
    arena.dataset.promote("dr", limit_seconds=20)

    assert (arena.dataset.writable("primary"), arena.dataset.writable("dr")) == (True, True)
    assert not arena.dataset.in_sync().holds


def test_a_lost_standby_cannot_be_promoted(arena: Arena) -> None:
    arena.lose("dr")

    with pytest.raises(DatasetError, match='cannot promote dataset "orders" at site "dr"'):
        arena.dataset.promote("dr", limit_seconds=1)
    assert not arena.dataset.in_sync().holds


def test_an_unknown_site_is_named_with_those_there_are(arena: Arena) -> None:
    for act in (arena.dataset.writable, arena.dataset.refuses_write):
        with pytest.raises(SiteError, match='"orders" has no copy at site "mars"; it has: primary, dr'):
            act("mars")
    with pytest.raises(SiteError, match="mars"):
        arena.dataset.promote("mars", limit_seconds=1)
