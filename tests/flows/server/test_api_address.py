"""Which Prefect API is in use: found where Prefect looks, in its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.server.api_address import api_url

URL = "http://10.1.2.3:4200/api"


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"PREFECT_HOME": str(home / "prefect-home"), **more}


def write_profile(home: Path, content: str) -> None:
    (home / "prefect-home").mkdir()
    (home / "prefect-home" / "profiles.toml").write_text(content)


def test_nothing_configured_is_no_api(tmp_path: Path) -> None:
    assert api_url(environ(tmp_path), tmp_path) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", f'# ours\nexport PREFECT_API_URL="{URL}"\n'),
        ("prefect.toml", f'[api]\nurl = "{URL}"\n'),
        ("pyproject.toml", f'[tool.prefect.api]\nurl = "{URL}"\n'),
    ],
)
def test_it_is_found_in_the_folder(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert api_url(environ(tmp_path), tmp_path) == URL


def test_it_is_found_in_the_active_profile(tmp_path: Path) -> None:
    write_profile(
        tmp_path, f'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "{URL}"\n[profiles.other]\n'
    )
    assert api_url(environ(tmp_path), tmp_path) == URL
    assert api_url(environ(tmp_path, PREFECT_PROFILE="other"), tmp_path) is None


def test_the_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "prefect.toml").write_text('[api]\nurl = "http://other/api"\n')
    assert api_url(environ(tmp_path, PREFECT_API_URL=URL), tmp_path) == URL


def test_a_file_that_makes_no_sense_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "prefect.toml").write_bytes(b"\xff[[[")
    write_profile(tmp_path, "active = 3\n[profiles]\nx = 1\n")
    assert api_url(environ(tmp_path), tmp_path) is None


def test_prefect_itself_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import Settings

    monkeypatch.chdir(tmp_path)
    (tmp_path / "prefect.toml").write_text(f'[api]\nurl = "{URL}"\n')
    assert str(Settings().api.url) == api_url(environ(tmp_path), tmp_path) == URL
