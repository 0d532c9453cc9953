"""The Docker daemon, as a site needs it: whose containers there are, and what can be done to one of them.

The sole importer of the SDK. Every call has a time limit, and whatever goes wrong is a SiteError.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env

from sites.errors import SiteError

SITE_LABEL = "blackstart.site"
PROCESS_LABEL = "blackstart.process"
ALIVE = frozenset({"running", "paused", "restarting", "removing"})
CALL_SECONDS = 20.0
_CALLS_AT_ONCE_MAX = 16
_NEVER = "0001-01-01"
_SECONDS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")


@dataclass(frozen=True, slots=True)
class Container:
    """One container as the daemon described it. `addresses`: network -> address there.

    `stores`: where, on the daemon's machine, it may write what outlives it. `image_hash`: of the very image
    that it was made from, whatever the name has come to mean since. `volumes`: where in the container a
    volume lies that the daemon keeps."""

    id: str
    name: str
    process: str
    state: str
    pid: int
    started: str
    restart: str
    image: str
    network_mode: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, str] = field(default_factory=dict)
    stores: tuple[Path, ...] = ()
    image_hash: str = ""
    volumes: tuple[PurePosixPath, ...] = ()

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def was_started(self) -> bool:
        return not self.started.startswith(_NEVER)


class Daemon:
    """`address` such as "unix:///var/run/docker.sock"; None: what DOCKER_HOST says, else the local one."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def __str__(self) -> str:
        return self._address or os.environ.get("DOCKER_HOST") or "the Docker daemon"

    def containers(self, label: str) -> list[Container]:
        """Every container of a site, running or not, in the order in which they started."""
        with self.asked(f'list the containers of "{label}"'):
            told = self.api.containers(all=True, filters={"label": f"{SITE_LABEL}={label}"})
        found = (self.container(one["Id"]) for one in told)
        return sorted((one for one in found if one is not None), key=lambda one: one.started)

    def container(self, ident: str) -> Container | None:
        """One container as it is now; None if there is none such any more."""
        try:
            with self.asked(f"inspect container {ident[:12]}"):
                return _container(self.api.inspect_container(ident))
        except _Gone:
            return None

    def start(self, container: Container) -> None:
        with self.asked(f'start container "{container.name}"'):
            self.api.start(container.id)

    def stop(self, container: Container, limit_seconds: float) -> None:
        """Its stop signal, then SIGKILL. No effect if it has ended."""
        with self.asked(f'stop container "{container.name}"'):
            self.api.stop(container.id, timeout=round(limit_seconds))

    def kill(self, container: Container) -> None:
        """SIGKILL. No effect if it has ended, or is gone."""
        self._unless_so(
            f'kill container "{container.name}"',
            lambda: self.api.kill(container.id, signal="SIGKILL"),
            lambda: (now := self.container(container.id)) is None or not now.alive,
        )

    def pause(self, container: Container) -> None:
        """No effect if it is paused."""
        self._unless_so(
            f'pause container "{container.name}"',
            lambda: self.api.pause(container.id),
            lambda: (now := self.container(container.id)) is not None and now.state == "paused",
        )

    def unpause(self, container: Container) -> None:
        """No effect if it is not paused, or is gone."""
        self._unless_so(
            f'unpause container "{container.name}"',
            lambda: self.api.unpause(container.id),
            lambda: (now := self.container(container.id)) is None or now.state != "paused",
        )

    def beside(self, container: Container, argv: Sequence[str]) -> tuple[int, str]:
        """Run a program of a container's image in its network, with power over that: exit code, output.

        It runs in a short-lived container of its own, so one that is paused is reached too.
        """
        return self._short_lived(
            container, argv, network_mode=f"container:{container.id}", cap_add=["NET_ADMIN"]
        )

    def at_volumes(
        self, container: Container, argv: Sequence[str], binds: Mapping[str, str]
    ) -> tuple[int, str]:
        """The same with its volumes in place of its network, whether it runs or not.

        `binds`: folder on the daemon's machine -> where the program sees it, to read.
        """
        readable = [f"{source}:{target}:ro" for source, target in binds.items()]
        return self._short_lived(
            container, argv, network_mode="none", volumes_from=[container.id], binds=readable
        )

    def root(self) -> str:
        """Where the daemon keeps everything, on its machine."""
        with self.asked("ask for its folder"):
            return str(self.api.info()["DockerRootDir"])

    def _short_lived(self, container: Container, argv: Sequence[str], **powers: object) -> tuple[int, str]:
        with self.asked(f'run {argv[0]} beside container "{container.name}"'):
            host = self.api.create_host_config(**powers)
            made = self.api.create_container(
                container.image, entrypoint=list(argv), command=[], user="0", host_config=host
            )
            try:
                self.api.start(made["Id"])
                code = int(self.api.wait(made["Id"])["StatusCode"])
                said: bytes = self.api.logs(made["Id"])
            finally:
                self.api.remove_container(made["Id"], force=True)
        return code, said.decode(errors="replace")

    def version(self) -> str:
        """The daemon's own, and its machine's kernel."""
        with self.asked("ask the version"):
            told = self.api.version()
        return f"{told['Version']}; kernel {told.get('KernelVersion') or 'unknown'}"

    def log(self, container: Container, lines: int) -> str:
        """The end of what a container said."""
        with self.asked(f'read the log of container "{container.name}"'):
            said: bytes = self.api.logs(container.id, tail=lines)
        return said.decode(errors="replace")

    @cached_property
    def api(self) -> docker.APIClient:
        """The SDK's low-level client, once the daemon has answered."""
        told = kwargs_from_env()
        told |= {"base_url": self._address} if self._address else {}
        with self.asked("reach the Docker daemon"):
            return docker.APIClient(
                version="auto", timeout=CALL_SECONDS, max_pool_size=_CALLS_AT_ONCE_MAX, **told
            )

    def _unless_so(self, act: str, do: Callable[[], object], is_so: Callable[[], bool]) -> None:
        """What the daemon refuses because it is so already has been done: that is looked at, not read."""
        try:
            with self.asked(act):
                do()
        except SiteError:
            if not is_so():
                raise

    @contextmanager
    def asked(self, act: str) -> Iterator[None]:
        """Whatever the daemon refuses, or that it does not answer, is a SiteError."""
        try:
            yield
        except NotFound as error:
            raise _Gone(f"cannot {act}: {error.explanation}") from error
        except APIError as error:
            raise SiteError(f"cannot {act}: {error.explanation}") from error
        except (DockerException, OSError) as error:  # what the SDK's own HTTP client raises is an OSError
            raise SiteError(
                f"cannot {act}: {self} does not answer: {error}",
                hint="is it running, and may this user talk to it? DOCKER_HOST or `daemon` say where it is",
            ) from error


class _Gone(SiteError):
    """There is no such container any more."""


def _container(told: dict[str, Any]) -> Container:
    labels, state = told["Config"]["Labels"] or {}, told["State"]
    name = told["Name"].lstrip("/")
    networks, ports = told["NetworkSettings"]["Networks"] or {}, told["NetworkSettings"].get("Ports") or {}
    return Container(
        id=told["Id"],
        name=name,
        process=labels.get(PROCESS_LABEL, name),
        state=state["Status"],
        pid=int(state["Pid"]),
        started=_sortable(state["StartedAt"]),
        restart=told["HostConfig"]["RestartPolicy"]["Name"],
        image=told["Config"]["Image"],
        network_mode=told["HostConfig"]["NetworkMode"],
        addresses={name: one["IPAddress"] for name, one in networks.items() if one["IPAddress"]},
        published={port: _host_port(bound[0]) for port, bound in ports.items() if bound},
        stores=tuple(
            Path(one["Source"]) for one in told.get("Mounts") or () if one.get("RW") and one.get("Source")
        ),
        image_hash=told.get("Image", ""),
        volumes=tuple(
            PurePosixPath(one["Destination"])
            for one in told.get("Mounts") or ()
            if one.get("RW") and one.get("Type") == "volume"
        ),
    )


def _host_port(bound: Mapping[str, str]) -> str:
    return f"{bound['HostIp']}:{bound['HostPort']}"


def _sortable(moment: str) -> str:
    """A time as the daemon writes it, which leaves out trailing zeros, so that it sorts as text."""
    found = _SECONDS.fullmatch(moment)
    return f"{found[1]}.{(found[2] or '').ljust(9, '0')}Z" if found else moment
