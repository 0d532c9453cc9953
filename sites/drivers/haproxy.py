"""A running HAProxy, asked and told through its runtime socket.

What is set there holds until HAProxy is reloaded; a configuration that is to survive that loads the state
from a file (`load-server-state-from-file`). The commands and the bits of the administrative state are those
of HAProxy's management guide, section 9.3.
"""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sites.errors import RunbookError

LOOK_SECONDS = 5.0
ANSWER_BYTES_MAX = 4_000_000
_ONCE_DISABLED = 0x04  # by its configuration; it stays in the state when the server has long been let in


@dataclass(frozen=True, slots=True)
class RuntimeSocket:
    """A path, or host and port. Every method raises RunbookError."""

    place: Path | tuple[str, int]

    def ask(self, words: str, limit_seconds: float) -> str:
        """What HAProxy answers to one command."""
        try:
            with closing(self._connected(limit_seconds)) as line:
                line.sendall(words.encode() + b"\n")
                return _read(line).decode(errors="replace")
        except OSError as error:
            raise RunbookError(
                f"HAProxy at {self} did not answer: {error.strerror or error}",
                hint="its configuration needs `stats socket PATH level admin`, which this user may write to",
            ) from None

    def version(self) -> str:
        lines = self.ask("show info", LOOK_SECONDS).splitlines()
        found = dict(line.split(": ", 1) for line in lines if ": " in line)
        if "Version" not in found:
            raise RunbookError(f"HAProxy at {self} does not say its version: {' '.join(lines)[:200]}")
        return found["Version"]

    def order(self, words: str, limit_seconds: float) -> None:
        """Have it do something: it is silent when it has, and says why it has not."""
        said = self.ask(words, limit_seconds).strip()
        if said:
            raise RunbookError(
                f'HAProxy at {self} refused "{words}": {said}',
                hint="`show servers state` lists the servers that it knows; its socket needs `level admin`",
            )

    def admitted(self, backend: str) -> dict[str, bool]:
        """Each server of a backend, and whether the administrator lets clients go there."""
        lines = self.ask(f"show servers state {backend}", LOOK_SECONDS).splitlines()
        heads = [line.lstrip("# ").split() for line in lines if line.startswith("#")]
        if not heads or not {"srv_name", "srv_admin_state"} <= set(heads[0]):
            raise RunbookError(f'HAProxy at {self} knows no backend "{backend}": {" ".join(lines)[:200]}')
        rows = [
            dict(zip(heads[0], line.split(), strict=False))
            for line in lines
            if line[:1].isdigit() and " " in line
        ]
        return {
            row["srv_name"]: not int(row["srv_admin_state"]) & ~_ONCE_DISABLED
            for row in rows
            if "srv_name" in row
        }

    def _connected(self, limit_seconds: float) -> socket.socket:
        if isinstance(self.place, tuple):
            return socket.create_connection(self.place, timeout=limit_seconds)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(limit_seconds)
        try:
            line.connect(str(self.place))
        except OSError:
            line.close()
            raise
        return line

    def __str__(self) -> str:
        return f'"{self.place}"' if isinstance(self.place, Path) else f"{self.place[0]}:{self.place[1]}"


@dataclass(frozen=True, slots=True)
class HAProxy:
    """`servers`: for each site those that serve there, as BACKEND/SERVER."""

    runtime: RuntimeSocket
    servers: Mapping[str, Sequence[str]]
    limit_seconds: float = 10.0

    def current(self) -> str | None:
        """The only site that clients are let to; None when it is none, or more than one."""
        admitted = {
            f"{backend}/{server}": open_
            for backend in sorted({one.partition("/")[0] for many in self.servers.values() for one in many})
            for server, open_ in self.runtime.admitted(backend).items()
        }
        whole = [site for site, many in self.servers.items() if all(admitted.get(one) for one in many)]
        others = [
            one
            for site, many in self.servers.items()
            if site not in whole[:1]
            for one in many
            if admitted.get(one)
        ]
        return whole[0] if whole and not others else None

    def point_to(self, site: str, limit_seconds: float) -> None:
        """Shut the other sites out, end what is still open there, and let this one in."""
        for words in self._words(site):
            self.runtime.order(words, limit_seconds)
        if (now := self.current()) != site:
            raise RunbookError(f'HAProxy at {self.runtime} took every word, but sends clients to "{now}"')

    def by_hand(self, site: str) -> str:
        place = self.runtime.place
        to = shlex.quote(str(place) if isinstance(place, Path) else f"TCP:{place[0]}:{place[1]}")
        return " && ".join(f'echo "{words}" | socat stdio {to}' for words in self._words(site))

    def _words(self, site: str) -> list[str]:
        others = [one for name, many in self.servers.items() if name != site for one in many]
        return [
            *(f"set server {one} state maint" for one in others),
            *(f"shutdown sessions server {one}" for one in others),
            *(f"set server {one} state ready" for one in self.servers[site]),
        ]


def _read(line: socket.socket) -> bytes:
    """Until the other end closes, as HAProxy does after each command."""
    found = bytearray()
    while part := line.recv(65536):
        found += part
        if len(found) > ANSWER_BYTES_MAX:
            raise OSError(None, f"its answer is longer than {ANSWER_BYTES_MAX} bytes")
    return bytes(found)
