"""Clients are sent to the other site, and the redirect says where they go."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sites.errors import CommandError, RunbookError
from sites.recovery.redirect import CommandRedirect, FileRedirect

CONTENT = {"primary": "127.0.0.1:1", "dr": "127.0.0.1:2"}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    redirect = FileRedirect(tmp_path / "endpoint", CONTENT)
    assert redirect.current() is None
    redirect.point_to("dr", 1.0)
    assert redirect.current() == "dr"
    assert (tmp_path / "endpoint").read_text() == "127.0.0.1:2\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "endpoint"]


def test_a_file_that_names_no_site_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "endpoint").write_text("somewhere else\n")
    assert FileRedirect(tmp_path / "endpoint", CONTENT).current() is None


def command_redirect(folder: Path, act: str) -> CommandRedirect:
    status = "import pathlib; print(pathlib.Path('now').read_text())"
    return CommandRedirect((sys.executable, "-c", act), (sys.executable, "-c", status), folder)


def test_a_command_is_given_the_site_and_asked_again(tmp_path: Path) -> None:
    act = "import os, pathlib; pathlib.Path('now').write_text(os.environ['BLACKSTART_SITE'])"
    redirect = command_redirect(tmp_path, act)
    redirect.point_to("dr", 20.0)
    assert redirect.current() == "dr"


def test_a_command_that_only_claims_success_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "now").write_text("primary")
    with pytest.raises(RunbookError, match='clients are sent to "primary", not "dr"'):
        command_redirect(tmp_path, "pass").point_to("dr", 20.0)


def test_a_command_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        command_redirect(tmp_path, "raise SystemExit(3)").point_to("dr", 20.0)
