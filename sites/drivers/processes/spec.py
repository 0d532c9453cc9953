"""What a site is told about one of its processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sites.drivers.account import account
from sites.drivers.processes.readiness import Readiness
from sites.drivers.processes.record import TAG, SiteRecord

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process of a site.

    Of our own environment it gets only the path, language and time zone; secrets come by `secret_env`.
    `user` is who it runs as when we are root. `pid_file`: see `forget_pid`.
    """

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str | None = None
    cwd: Path | None = None
    ready: Readiness | None = None
    ready_seconds: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    autostart: bool = True
    pid_file: Path | None = None

    def request(self, name: str, record: SiteRecord) -> dict[str, Any]:
        """What the supervisor is asked for. Raises SiteError if there is no such user."""
        who = account(self.user) if self.user is not None and os.geteuid() == 0 else None
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        home = who.environment if who else {"HOME": os.path.expanduser("~")}  # noqa: PTH111  a string is wanted
        return {
            "do": "start",
            "name": name,
            "command": list(self.command),
            "env": {**passed_on, **home, **self.env, **self.secret_env, TAG: record.instance},
            "cwd": str(self.cwd or record.folder),
            "account": {"uid": who.uid, "gid": who.gid, "groups": who.groups} if who else None,
            "stop": [int(self.stop_signal), self.stop_seconds],
        }


def forget_pid(pid_file: Path) -> None:
    """Make a pid file of a life that is proven over say so, whoever has its number now.

    A site that is revived gets a new PID namespace, where the number in a left-over file may be anybody's:
    PostgreSQL refuses to start if it is. The file stays, with a number that no process can have, because
    PostgreSQL finds in it what tells whether a process of the old life still has its shared memory.
    """
    try:
        with pid_file.open("r+b") as file:
            _, end, rest = file.read().partition(b"\n")
            file.seek(0)
            file.truncate()
            file.write(str(NUMBER_OF_NOBODY).encode() + end + rest)
    except FileNotFoundError:
        return


NUMBER_OF_NOBODY = 1 << 22  # the kernel's limit: process numbers are below it
