"""The places from which a service is looked at. A look never raises: who cannot look is *blind*."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sites.drivers import command
from sites.drivers.held import Held, NoAnswer
from sites.drivers.http.looking import Seen, look, together
from sites.errors import BlackstartError

LOOKING = (sys.executable, "-m", "sites.drivers.http.looking")
_ROUND_TRIP_SECONDS = 2.0
_SEEN: Mapping[str, Seen] = {"good": "good", "refused": "refused", "silent": "silent"}
_CODES: Mapping[int, Seen] = {0: "good", 1: "refused", 2: "silent"}


class Vantage(Protocol):
    """One at a time looks through it."""

    def look(self, urls: Sequence[str], limit_seconds: float) -> Seen: ...

    def close(self) -> None: ...


class Here:
    """This very process."""

    def look(self, urls: Sequence[str], limit_seconds: float) -> Seen:
        return look(urls, limit_seconds)

    def close(self) -> None:
        """Nothing is held."""


class OwnProcess:
    """A process of its own, talked to in lines; begun anew where it has ended."""

    def __init__(self, argv: Sequence[str] = LOOKING) -> None:
        self._argv = tuple(argv)
        self._held: Held | None = None

    def look(self, urls: Sequence[str], limit_seconds: float) -> Seen:
        try:
            held = self._held = self._held or command.hold(self._argv)
            held.say(f"look {limit_seconds} {' '.join(urls)}\n")
            said = held.hear("sign", limit_seconds + _ROUND_TRIP_SECONDS)[-1]
        except (NoAnswer, BlackstartError):  # its own end, or the way to it, has failed: not the service
            self.close()
            return "blind"
        return _SEEN.get(said.removeprefix("sign").strip(), "blind")

    def close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """The user's own command, which looks once at one address."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    secret_env: Mapping[str, str] = field(repr=False)
    folder: Path

    def look(self, urls: Sequence[str], limit_seconds: float) -> Seen:
        signs: list[Seen] = []
        for url in urls:
            signs.append(self._one(url, limit_seconds))
            if signs[-1] == "good":
                break
        return together(signs)

    def close(self) -> None:
        """Nothing is held."""

    def _one(self, url: str, limit_seconds: float) -> Seen:
        try:
            done = command.run(
                self.argv,
                env={**self.env, "BLACKSTART_URL": url},
                secret_env=self.secret_env,
                limit_seconds=limit_seconds + _ROUND_TRIP_SECONDS,
                cwd=self.folder,
                ok_codes=tuple(_CODES),
                grace_seconds=0.0,
            )
        except BlackstartError:
            return "blind"
        return _CODES[done.exit_code]
