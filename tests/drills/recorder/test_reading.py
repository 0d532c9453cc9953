from __future__ import annotations

import asyncio
from collections.abc import Callable

from drills.recorder.reading import Reading, read_back
from sites.capability import Outcome, ReadBack
from sites.errors import DatasetError

ROW = (1, "0" * 64)
WHOLE = ReadBack([ROW], 1, end=True, address="a")


class Source:
    """A client that answers its readings in turn, the last one for ever."""

    def __init__(self, *answers: ReadBack | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        raise AssertionError((stream, number, payload))

    async def delete(self, stream: str, number: int) -> Outcome:
        raise AssertionError((stream, number))

    async def read_back(self, stream: str) -> ReadBack:
        assert stream == "orders"
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        return


def read(source: Source, limit_seconds: float = 5.0) -> Reading:
    return asyncio.run(read_back(source, "orders", limit_seconds))


def test_it_asks_until_the_reading_is_whole() -> None:
    source = Source(DatasetError("gone"), ReadBack([], 1, end=True), ReadBack([ROW], 1, end=False), WHOLE)

    assert read(source) == Reading(WHOLE, None)
    assert source.asked == 4


def _problem(answer: ReadBack | Exception) -> str:
    return str(read(Source(answer), 0.25).error)


def test_it_says_what_was_wrong_when_time_is_up() -> None:
    says: Callable[[ReadBack | Exception], str] = _problem

    assert says(ReadBack([ROW], 1, end=False)) == "the end marker is missing"
    assert says(ReadBack([ROW], 2, end=True)) == "1 rows came where the source counts 2"
    assert says(DatasetError("refused")) == "refused"
    assert says(RuntimeError("bug")) == "RuntimeError: bug"


def test_a_later_failure_does_not_hide_what_came_before() -> None:
    partial = ReadBack([ROW], 2, end=True)

    assert read(Source(partial, DatasetError("gone")), 0.4) == Reading(partial, "gone")
