"""Names are looked up once, kept, and looked up again when nobody answered there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from names import Names


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was looked up; only "desk" has an address."""
    found: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        found.append(host)
        if host != "desk":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.9.0.2", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return found


def run(act: Callable[[Names], Any]) -> Any:
    async def with_names() -> Any:
        return await act(Names())

    return asyncio.run(with_names())


def test_a_name_is_looked_up_once_for_all_who_ask(asked: list[str]) -> None:
    async def act(names: Names) -> list[str]:
        return [*await asyncio.gather(names.number("desk"), names.number("desk")), await names.number("desk")]

    assert run(act) == ["10.9.0.2"] * 3
    assert asked == ["desk"]


def test_a_name_in_doubt_is_looked_up_again(asked: list[str]) -> None:
    async def act(names: Names) -> None:
        await names.number("desk")
        names.doubt("desk")
        await names.number("desk")

    run(act)
    assert asked == ["desk", "desk"]


def test_a_name_without_an_address_is_an_error_each_time(asked: list[str]) -> None:
    async def act(names: Names) -> list[BaseException | str]:
        first = await asyncio.gather(names.number("gone"), names.number("gone"), return_exceptions=True)
        return [*first, *await asyncio.gather(names.number("gone"), return_exceptions=True)]

    assert [type(one) for one in run(act)] == [socket.gaierror] * 3
    assert asked == ["gone", "gone"]


def test_a_number_is_not_looked_up(asked: list[str]) -> None:
    assert run(lambda names: names.number("127.0.0.1")) == "127.0.0.1"
    assert asked == []
