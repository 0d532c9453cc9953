"""How a host is reached: the command line of the system's own OpenSSH client, and nothing but that.

OpenSSH and not a library: what lets a person in lets blackstart in (jump hosts, agents, certificates,
hardware keys, the system's own crypto policy), and one connection, opened while all is well, carries every
later command (ControlMaster), so that a command costs about one round trip. What must hold is set here, over
any configuration: the host's key is known already, nobody is asked for a password, nothing is forwarded.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from sites.errors import SiteError

_SOCKET_PATH_MAX = 80  # a unix socket's path ends at 108 bytes, and ssh adds up to 18 for a moment
_ALWAYS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=ERROR",
    # a connection whose other end is gone is given up, so that the next command opens a new one
    "ServerAliveInterval=2",
    "ServerAliveCountMax=3",
)
_PERSIST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SshAddress:
    """`address` may also be a Host of ssh's own configuration. What is None is left to that."""

    address: str
    port: int | None = None
    user: str | None = None
    key: Path | None = None
    known_hosts: Path | None = None
    config: Path | None = None
    sudo: bool = False
    connect_seconds: int = 5

    def argv(self, *, shared: bool = True) -> list[str]:
        """The command that runs a shell there which reads its script from standard input.

        `shared`: over the connection that is open already, or is opened and kept for the next one.
        """
        master = (
            ["ControlMaster=auto", f"ControlPath={self.socket}", f"ControlPersist={_PERSIST_SECONDS}"]
            if shared
            else ["ControlMaster=no", "ControlPath=none"]
        )
        options = [*_ALWAYS, *master, f"ConnectTimeout={self.connect_seconds}"]
        if self.known_hosts is not None:
            options += [f"UserKnownHostsFile={_quoted(self.known_hosts)}", "GlobalKnownHostsFile=/dev/null"]
        if self.key is not None:
            options += ["IdentitiesOnly=yes", f"IdentityFile={_quoted(self.key)}"]
        words = ["ssh", *(["-F", str(self.config)] if self.config is not None else [])]
        words += [word for option in options for word in ("-o", option)]
        words += ["-p", str(self.port)] if self.port is not None else []
        words += ["-l", self.user] if self.user is not None else []
        # sudo takes the environment away, and a partition has to spare the connection that it is made through
        root = 'sudo -n env SSH_CONNECTION="$SSH_CONNECTION" ' if self.sudo else ""
        return [*words, "--", self.address, f"exec {root}/bin/sh -s"]

    def leave(self) -> list[str]:
        """The command that closes the open connection; it fails if there is none."""
        return ["ssh", "-o", f"ControlPath={self.socket}", "-O", "exit", "--", self.address]

    @property
    def socket(self) -> Path:
        """Named by all that decides who answers and as whom: another plan never gets this connection."""
        name = hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:24]
        return sockets() / name

    def __str__(self) -> str:
        at = f"{self.user}@{self.address}" if self.user else self.address
        return f"{at}:{self.port}" if self.port else at


def sockets() -> Path:
    """A folder that only we can enter: who can open a socket in it can do what we can on every host."""
    folder = Path(tempfile.gettempdir()) / f"blackstart-ssh-{os.geteuid()}"
    if len(str(folder)) > _SOCKET_PATH_MAX - 25:
        folder = Path("/tmp") / folder.name  # noqa: S108  checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SiteError(
            f"cannot keep connections in {folder}: it is not ours alone",
            hint=f"look who made it, then remove it: rm -r {folder}",
        )
    return folder


def _quoted(path: Path) -> str:
    """As a value of ssh's configuration: it splits at spaces and expands percent signs."""
    return '"' + str(path).replace("%", "%%") + '"'
