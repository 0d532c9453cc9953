"""Packs are read again in turns until all were, and pruned only when there is something to free."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sites.errors import RepositoryDamaged
from sites.protection.history import Event
from sites.protection.upkeep import next_part, prune_if_due, read_next, read_whole, unread
from tests.sites.protection.protected import Protected
from tests.sites.repositories import flip, packs

PARTS = 3


def test_every_part_is_read_in_turn_and_all_packs_in_the_end(protected: Protected) -> None:
    seen = [read_next(protected.offsite, PARTS, protected.history) for _ in range(PARTS + 1)]
    assert [read.part for read in seen] == [1, 2, 3, 1]
    assert [read.whole is not None for read in seen] == [False, False, True, True]


def test_a_flipped_bit_is_found_within_one_round_and_its_part_is_read_again(protected: Protected) -> None:
    flip(packs(protected.offsite)[0], 200_000)
    found = 0
    for _ in range(PARTS):
        try:
            read_next(protected.offsite, PARTS, protected.history)
        except RepositoryDamaged:
            found += 1
            break
    assert found == 1
    damaged = next_part("offsite", PARTS, protected.history.events())
    with pytest.raises(RepositoryDamaged):
        read_next(protected.offsite, PARTS, protected.history)
    assert next_part("offsite", PARTS, protected.history.events()) == damaged
    assert read_whole("offsite", PARTS, protected.history.events()) is None


def reading(part: int, outcome: str = "done", parts: int = PARTS) -> Event:
    return Event("reading", "far", outcome, None, {"part": part, "parts": parts})


@pytest.mark.parametrize(
    ("events", "part"),
    [
        ([], 1),
        ([reading(1)], 2),
        ([reading(1), reading(3)], 1),
        ([reading(2, "failed")], 2),
        ([reading(2, parts=9)], 1),
        ([replace(reading(2), repository="near")], 1),
    ],
)
def test_the_counter_is_kept_by_repository_and_division(events: list[Event], part: int) -> None:
    assert next_part("far", PARTS, events) == part


def test_whole_is_as_old_as_the_part_read_longest_ago() -> None:
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    events = [replace(reading(part), utc=at) for part, at in zip((1, 2, 3, 1), days, strict=True)]
    assert read_whole("far", PARTS, events) == days[1]
    assert read_whole("far", PARTS, [*events, reading(2, "failed")]) == days[1]


def test_what_was_not_read_for_too_long_is_told_since_when() -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    week = timedelta(days=7)
    used = Event("replication", "far", "done", None, {}, begun)
    assert unread("far", PARTS, week, [], begun) is None
    assert unread("far", PARTS, week, [used], begun + week) is None
    late = begun + timedelta(days=8)
    assert unread("far", PARTS, week, [used], late) == begun
    read = [replace(reading(part), utc=begun + timedelta(days=part)) for part in (1, 2, 3)]
    assert unread("far", PARTS, week, [used, *read[:2]], late) == begun
    assert unread("far", PARTS, week, [used, *read], late) is None
    assert unread("far", PARTS, week, [used, *read], late + week) == read[0].utc


def test_room_is_freed_when_something_was_forgotten_and_not_too_often(protected: Protected) -> None:
    offsite, history = protected.offsite, protected.history
    week = timedelta(days=7)
    assert prune_if_due(offsite, week, history) is None
    history.append(Event("retention", "offsite", "done", "strategies", {"forgotten": 1}))
    assert prune_if_due(offsite, week, history) is not None
    assert prune_if_due(offsite, week, history) is None
    history.append(Event("retention", "offsite", "done", "strategies", {"forgotten": 1}))
    assert prune_if_due(offsite, week, history) is None
    later = datetime.now(UTC) + timedelta(days=8)
    assert prune_if_due(offsite, week, history, later) is not None
