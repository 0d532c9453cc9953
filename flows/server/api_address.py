"""Which Prefect API is in use here: from the places where Prefect looks, in its order, without Prefect."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NAME = "PREFECT_API_URL"


def api_url(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> str | None:
    """The address of the API, or None when no server is configured."""
    return next((url for url in _settings(environ, folder or Path.cwd()) if url), None)


def _settings(environ: Mapping[str, str], folder: Path) -> Iterator[str | None]:
    yield environ.get(NAME)
    yield _dotenv(folder / ".env")
    yield _deep(_toml(folder / "prefect.toml"), "api", "url")
    yield _deep(_toml(folder / "pyproject.toml"), "tool", "prefect", "api", "url")
    home = Path(environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    profiles = _toml(Path(environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml"))
    active = environ.get("PREFECT_PROFILE") or _deep(profiles, "active")
    yield _deep(profiles, "profiles", active or "", NAME)


def _dotenv(path: Path) -> str | None:
    for line in _text(path).splitlines():
        name, equals, value = line.removeprefix("export ").partition("=")
        if equals and name.strip() == NAME:
            return value.strip().strip("\"'")
    return None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}  # Prefect itself refuses such a file


def _deep(tree: Any, *keys: str) -> str | None:  # noqa: ANN401 - whatever a TOML file holds
    for key in keys:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
