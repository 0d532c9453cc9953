"""Make what a Compose file declares, and remove it again: images, networks, volumes, containers.

Everything is named and labelled as Compose does it, so that its own commands see the same project.
Nothing is started here: that is the site's.
"""

from __future__ import annotations

from pathlib import Path

from sites.drivers.containers.composition import Build, ComposedService, Composition
from sites.drivers.containers.daemon import Daemon
from sites.errors import SiteError

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


class Project:
    """One copy of what a Compose file declares, told from others by its name."""

    def __init__(self, name: str, composition: Composition, folder: Path, daemon: Daemon) -> None:
        self.name = name
        self._composition = composition
        self._folder = folder
        self._daemon = daemon

    def create(self) -> None:
        """Make all of it. An image with a `build` is built again, which costs little if nothing changed.

        Raises SiteError.
        """
        labels = {PROJECT_LABEL: self.name}
        api = self._daemon.api
        built: set[str] = set()
        for name, service in self._composition.services.items():
            if service.build is not None and service.image not in built:
                self._build(service.image, service.build)
                built.add(service.image)
            elif service.build is None and not self._has_image(service.image):
                raise SiteError(f'service "{name}": there is no image {service.image}')
        with self._daemon.asked(f'make the networks and volumes of "{self.name}"'):
            for network in self._composition.networks:
                api.create_network(self._own(network), driver="bridge", labels=labels, check_duplicate=True)
            for volume in self._composition.volumes:
                api.create_volume(self._own(volume), labels=labels)
        for name, service in self._composition.services.items():
            self._create(name, service)

    def remove(self) -> None:
        """Remove every container, network and volume of this name, whoever made them. Raises SiteError."""
        api, ours = self._daemon.api, {"label": f"{PROJECT_LABEL}={self.name}"}
        with self._daemon.asked(f'remove "{self.name}"'):
            for container in api.containers(all=True, filters=ours):
                api.remove_container(container["Id"], force=True, v=True)
            for network in api.networks(filters=ours):
                api.remove_network(network["Id"])
            for volume in api.volumes(filters=ours)["Volumes"] or []:
                api.remove_volume(volume["Name"])

    def _has_image(self, image: str) -> bool:
        with self._daemon.asked("list images"):
            return bool(self._daemon.api.images(name=image))

    def _build(self, image: str, build: Build) -> None:
        """Without a network: what an image needs is in its base, or in the folder that it is made from."""
        with self._daemon.asked(f"build image {image}"):
            lines = self._daemon.api.build(
                path=str(self._folder / build.context),
                dockerfile=build.dockerfile,
                buildargs=build.args,
                tag=image,
                rm=True,
                decode=True,
            )
            told = list(lines)
        if failed := next((line["error"] for line in told if "error" in line), None):
            said = "".join(line.get("stream", "") for line in told)[-2000:]
            raise SiteError(f"cannot build image {image}: {failed}\n{said}")

    def _create(self, name: str, service: ComposedService) -> None:
        api = self._daemon.api
        host = api.create_host_config(
            binds=[self._bind(volume) for volume in service.volumes],
            port_bindings=service.published,
            restart_policy={"Name": service.restart},
            dns_opt=service.dns_opt,
        )
        first, *others = [self._own(network) for network in service.networks] or ["none"]
        alias = api.create_endpoint_config(aliases=[name])
        with self._daemon.asked(f'make container "{self.name}-{name}-1"'):
            made = api.create_container(
                service.image,
                command=service.command,
                name=f"{self.name}-{name}-1",
                environment=service.environment,
                labels={**service.labels, PROJECT_LABEL: self.name, SERVICE_LABEL: name, **_COMPOSED},
                ports=list(service.published),
                user=service.user,
                stop_signal=service.stop_signal,
                host_config=host,
                networking_config=api.create_networking_config({first: alias}) if service.networks else None,
            )
            for network in others:
                api.connect_container_to_network(made["Id"], network, aliases=[name])

    def _bind(self, volume: str) -> str:
        source, _, rest = volume.partition(":")
        if "/" not in source:
            return f"{self._own(source)}:{rest}"
        return f"{(self._folder / source).absolute()}:{rest}"

    def _own(self, name: str) -> str:
        return f"{self.name}_{name}"


_COMPOSED = {"com.docker.compose.container-number": "1", "com.docker.compose.oneoff": "False"}
