"""The unprivileged accounts that commands run under when we are root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from sites.errors import SiteError


@dataclass(frozen=True, slots=True)
class Account:
    """A local account, looked up."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}


def account(name: str) -> Account | None:
    """Look the account up; None when we run as it already, so that nothing needs dropping.

    Raises SiteError when there is no such account, or when we are not root and cannot become it.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise SiteError(f'cannot run a process as "{name}": there is no such account here') from None
    if os.geteuid() == entry.pw_uid:
        return None
    if os.geteuid() != 0:
        raise SiteError(
            f'cannot run a process as "{name}": only root can become another user',
            hint="leave `user` out, or run as root",
        )
    groups = tuple(os.getgrouplist(name, entry.pw_gid))
    return Account(name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def give(path: Path, name: str | None) -> None:
    """Make what we have just made that account's, where we are root and it is another one's."""
    who = account(name) if name is not None and os.geteuid() == 0 else None
    if who is not None:
        os.chown(path, who.uid, who.gid)
