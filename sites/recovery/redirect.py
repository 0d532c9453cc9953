"""Sending the clients to the other site."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sites.drivers import command
from sites.drivers.haproxy import HAProxy, RuntimeSocket
from sites.errors import RunbookError
from sites.plan import Service
from sites.plan import redirects as declared
from sites.recovery import by_hand

REDIRECT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class FileRedirect:
    """A file that a proxy reads: its content is replaced at once or not at all."""

    path: Path
    content: Mapping[str, str]
    limit_seconds: float = REDIRECT_SECONDS

    def current(self) -> str | None:
        """The site that the clients are sent to, or None when the file names none of them."""
        text = self.path.read_text().strip() if self.path.exists() else None
        return next((site for site, content in self.content.items() if content == text), None)

    def point_to(self, site: str, limit_seconds: float) -> None:
        del limit_seconds  # one rename
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(self.content[site] + "\n")
        temporary.replace(self.path)

    def by_hand(self, site: str) -> str:
        new, path = (shlex.quote(str(each)) for each in (f"{self.path}.new", self.path))
        return f"echo {shlex.quote(self.content[site])} > {new} && mv {new} {path}"


@dataclass(frozen=True, slots=True)
class CommandRedirect:
    """The user's own command. It finds the site's name in BLACKSTART_SITE; `status` prints that name."""

    command: tuple[str, ...]
    status: tuple[str, ...]
    folder: Path
    limit_seconds: float = REDIRECT_SECONDS

    def current(self) -> str | None:
        done = command.run(self.status, limit_seconds=10, cwd=self.folder)
        return done.stdout.strip() or None

    def point_to(self, site: str, limit_seconds: float) -> None:
        env = {"BLACKSTART_SITE": site}
        command.run(self.command, env=env, limit_seconds=limit_seconds, cwd=self.folder)
        if (now := self.current()) != site:
            raise RunbookError(
                f'the redirect command ended well, but clients are sent to "{now}", not "{site}"'
            )

    def by_hand(self, site: str) -> str:
        return by_hand.told(self.folder, {"BLACKSTART_SITE": site}, self.command)


class Redirect(Protocol):
    """Where clients are sent. `limit_seconds`: how long changing it may take."""

    @property
    def limit_seconds(self) -> float: ...

    def current(self) -> str | None:
        """The site that clients are sent to, or None when it is none, or not one alone."""

    def point_to(self, site: str, limit_seconds: float) -> None:
        """Send them to this site. Raises BlackstartError when that cannot be seen to have worked."""

    def by_hand(self, site: str) -> str:
        """What an operator would do instead."""


def redirect_of(service: Service, folder: Path) -> Redirect:
    """The redirect that a service declares. Raises RunbookError when it declares none."""
    match service.redirect:
        case declared.FileRedirect() as noun:
            return FileRedirect(noun.path, noun.content)
        case declared.CommandRedirect() as noun:
            return CommandRedirect(noun.command, noun.status, folder)
        case declared.HAProxyRedirect() as noun:
            return HAProxy(RuntimeSocket(noun.place()), noun.servers)
        case declared.Route53Redirect() as noun:
            from sites.drivers.route53 import Route53  # boto3 takes a while to load

            return Route53(noun)
    raise RunbookError(
        "the service declares no redirect", hint="its clients must find the other site themselves"
    )
