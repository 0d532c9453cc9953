"""Several clients that take turns: each numbered write goes through one of them, and stays with it."""

from __future__ import annotations

from collections.abc import Sequence

from sites.capability import Client, Outcome, ReadBack


class TakingTurns:
    """Implements `sites.capability.Client`. Nobody waits for a turn: the number alone says whose it is."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = clients

    async def write(self, stream: str, number: int, payload: bytes) -> Outcome:
        return await self._of(number).write(stream, number, payload)

    async def delete(self, stream: str, number: int) -> Outcome:
        return await self._of(number).delete(stream, number)

    async def read_back(self, stream: str) -> ReadBack:
        return await self._clients[0].read_back(stream)

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()

    def _of(self, number: int) -> Client:
        return self._clients[number % len(self._clients)]
