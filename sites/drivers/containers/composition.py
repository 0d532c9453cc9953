"""A Compose file, as far as a site of containers needs one: read strictly, for every key has an effect.

What is not known here is refused and named; the same file works with Compose itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sites.errors import PlanError

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\})")
_PORT = re.compile(r"127\.0\.0\.1:(\d+):(\d+)")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _on_the_loopback(port: str) -> str:
    if not _PORT.fullmatch(port):
        raise ValueError(f'"{port}": ports are published on the loopback alone: "127.0.0.1:HOST:CONTAINER"')
    return port


class Build(_Part):
    context: str
    dockerfile: str = "Dockerfile"
    args: dict[str, str] = {}


class ComposedService(_Part):
    """`volumes` are "SOURCE:TARGET[:ro]"; a source without a slash is a volume of the file's own."""

    image: str
    build: Build | None = None
    command: list[str] | None = None
    environment: dict[str, str] = {}
    labels: dict[str, str] = {}
    networks: list[str] = []
    volumes: list[str] = []
    ports: list[Annotated[str, AfterValidator(_on_the_loopback)]] = []
    user: str | None = None
    stop_signal: str | None = None
    restart: str = "no"
    dns_opt: list[str] = []

    @property
    def published(self) -> dict[int, tuple[str, int]]:
        """Port in the container -> address and port out here."""
        found = [_PORT.fullmatch(port) for port in self.ports]
        return {int(one[2]): ("127.0.0.1", int(one[1])) for one in found if one}


class _Nothing(_Part):
    """A network or volume with no settings of its own."""


class Composition(_Part):
    services: dict[str, ComposedService] = Field(min_length=1)
    networks: dict[str, _Nothing | None] = {}
    volumes: dict[str, _Nothing | None] = {}


def read(path: Path, variables: Mapping[str, str]) -> Composition:
    """The file with its variables replaced. Raises PlanError, naming the place."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Composition.model_validate(_filled(_without_extensions(told), variables))
    except (OSError, yaml.YAMLError, KeyError) as error:
        raise PlanError(f"cannot read {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PlanError(f"cannot use {path}: {place}: {first['msg']}") from error
    for name, service in found.services.items():
        for network in service.networks:
            if network not in found.networks:
                raise PlanError(f"cannot use {path}: services.{name}: no network is named {network!r}")
    return found


def _without_extensions(told: object) -> object:
    """Without what is only there to be referred to, as anchors are: keys that begin with "x-"."""
    if not isinstance(told, dict):
        return told
    return {key: value for key, value in told.items() if not str(key).startswith("x-")}


def _filled(told: object, variables: Mapping[str, str]) -> object:
    if isinstance(told, dict):
        return {key: _filled(value, variables) for key, value in told.items()}
    if isinstance(told, list):
        return [_filled(value, variables) for value in told]
    if not isinstance(told, str):
        return told

    def replace(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        if (value := variables.get(found[2]) or found[3]) is None:
            raise KeyError(f"variable {found[2]} is not set")
        return value

    return _VARIABLE.sub(replace, told)
