"""The version of something, as it says itself; where it says nothing, why not."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata

from sites.capability import Version
from sites.drivers.masking import mask
from sites.errors import BlackstartError, MissingProgram

LETTERS_MAX = 300


def asked(what: str, where: str, by: str, ask: Callable[[], str]) -> Version:
    """What `ask` answers. Whatever keeps it from answering is told in its place: nothing is raised."""
    try:
        said = _line(ask())
    except BlackstartError as error:
        return Version(what, where, None, by, _line(str(error)))
    except Exception as error:  # noqa: BLE001 - no version is worth a drill, and none is made up
        return Version(what, where, None, by, _line(f"{type(error).__name__}: {error}"))
    return Version(what, where, said or None, by, None if said else "it said nothing")


def operating_system() -> str:
    """This machine's, with its kernel."""
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{name}; {kernel}" if name else kernel


def package(name: str) -> str:
    """The version of an installed Python package. Raises MissingProgram."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        raise MissingProgram(f"the package {name} is not installed") from None


def _line(said: str) -> str:
    """Its first line that is not empty, with no secret in it, and no end of it."""
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    return mask(first)[:LETTERS_MAX]
