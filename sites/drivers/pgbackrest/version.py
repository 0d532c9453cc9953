"""Which pgBackRest this is. What we use is the same in all versions from the oldest on."""

from __future__ import annotations

import functools
import re

from sites.drivers import command
from sites.errors import CommandError, MissingProgram

Version = tuple[int, int, int]

OLDEST: Version = (2, 45, 0)  # Debian 12's; the exit codes and outputs read here were seen with it
_TEXT = re.compile(r"^pgBackRest (\d+)\.(\d+)(?:\.(\d+))?")
_HINT = "on Debian: apt-get install pgbackrest"


def parse(text: str) -> Version:
    """Read what `pgbackrest version` prints. Raises MissingProgram for an older or an unknown one."""
    found = _TEXT.match(text)
    if not found:
        raise MissingProgram(f"this is no pgBackRest: its version reads {text[:80]!r}", hint=_HINT)
    version = (int(found[1]), int(found[2]), int(found[3] or 0))
    if version < OLDEST:
        raise MissingProgram(
            f"pgBackRest {shown(version)} is too old", hint=f"{shown(OLDEST)} or later is needed"
        )
    return version


@functools.cache
def version_of(binary: str) -> Version:
    """Ask the binary, once a process. Raises MissingProgram."""
    try:
        return parse(command.run([binary, "version"], limit_seconds=30).stdout)
    except MissingProgram as error:
        raise MissingProgram(str(error), hint=_HINT) from error
    except CommandError as error:
        raise MissingProgram(f"{binary!r} does not say its version: {error}", hint=_HINT) from error


def shown(version: Version) -> str:
    return ".".join(map(str, version if version[2] else version[:2]))
