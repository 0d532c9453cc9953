"""Which PostgreSQL the tests run: the machine's own, or the major that POSTGRES_MAJOR names."""

from __future__ import annotations

import os
from pathlib import Path

from sites.drivers.postgres.programs import PostgresPrograms, find_programs
from sites.errors import MissingProgram

MAJORS = (15, 16, 17, 18)
VARIABLE = "POSTGRES_MAJOR"
DEBIAN = Path("/usr/lib/postgresql")
UNPACKED = Path(__file__).resolve().parents[3] / "build" / "postgresql"


def chosen() -> PostgresPrograms:
    """Raises MissingProgram."""
    named = os.environ.get(VARIABLE)
    return programs_of(int(named)) if named else find_programs()


def programs_of(major: int) -> PostgresPrograms:
    """Debian's, or those of the wheels that `scripts/postgresql-majors` unpacks. Raises MissingProgram."""
    for folder in (DEBIAN / str(major) / "bin", *sorted(UNPACKED.glob("*/pginstall*/bin"))):
        try:
            found = find_programs(folder)
        except MissingProgram:
            continue
        if found.version == major:
            return found
    raise MissingProgram(f"PostgreSQL {major} is not here", hint="scripts/postgresql-majors")
