"""A site made of containers: all that carry its label, on one Docker daemon.

    blackstart.site=desk/primary       which site a container belongs to
    blackstart.process=postgres        what it is called there; default: the container's own name

Who made the containers does not matter (Compose, a script, us). Nothing but the daemon and the label is
needed to kill a site, to prove it gone, or to undo what was done to it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from sites.capability import Proof, Target, Version
from sites.drivers.asked import asked
from sites.drivers.barred import Barred, nothing_barred, refuse_barred
from sites.drivers.containers.daemon import Container, Daemon
from sites.drivers.containers.fleet import Fleet
from sites.drivers.containers.record import Life
from sites.drivers.declared import require_declared
from sites.drivers.processes.readiness import Readiness
from sites.drivers.site_file import locked
from sites.errors import SiteDown, SiteError
from sites.strikable import Direction, Slowness

KILL_SECONDS = 15.0
_POLL_SECONDS = 0.02
_LOG_LINES_SHOWN = 15
_FOREIGN = ("/blackstart/machine", "/blackstart/daemon")


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What is known of one container beforehand."""

    ready: Readiness | None = None
    ready_seconds: float = 30.0
    stop_seconds: float = 10.0
    autostart: bool = True


class ContainerSite:
    """Running, Killable, KillingOne, Pausable and Partitionable. `path` is where its record is kept."""

    def __init__(
        self,
        name: str,
        path: Path,
        label: str,
        specs: Mapping[str, ContainerSpec],
        daemon: Daemon,
        barred: Barred = nothing_barred,
    ) -> None:
        self.name = name
        self._barred = barred
        self.path = path.absolute()
        self._specs = dict(specs)
        self._fleet = Fleet(name, label, daemon)
        self._aim: list[Container] = []

    def up(self, *, only: Collection[str] | None = None) -> None:
        """Start every container with `autostart`, or `only` those; return once all are ready.

        Raises SiteError; for a container that does not get ready, with the end of its log.
        """
        specs = self._specs.items()
        wanted = [name for name, spec in specs if (spec.autostart if only is None else name in only)]
        refuse_barred(self.name, wanted, self._barred)
        with locked(self.path):
            there = self._fleet.named(self._specs)
            Life.begun(self._fleet.label).save(self.path)
            for name in wanted:
                self._fleet.daemon.start(there[name])
        for name in wanted:
            self._wait_until_ready(name, there[name])

    def down(self) -> None:
        """Stop every container, the last started first. No effect on a site that is not up."""
        if not self._is_up():
            return
        with locked(self.path):
            for container in reversed(self._fleet.alive()):
                self._fleet.daemon.unpause(container)
                self._fleet.daemon.stop(container, self._spec(container.process).stop_seconds)
            proof = self.kill()
        if not proof.holds:
            raise SiteError(f'cannot bring site "{self.name}" down: {proof.how}')

    def versions(self) -> list[Version]:
        """The daemon's and its kernel, and the image of each container by its hash."""
        where, daemon = f"site {self.name}", self._fleet.daemon
        found = [asked("Docker daemon", where, "the daemon itself", daemon.version)]
        by = "the daemon (inspect)"
        for process in self._specs:
            image = partial(self._image, process)
            found.append(asked(f"image of container {process}", where, by, image))
        return found

    def _image(self, process: str) -> str:
        container = self._fleet.named([process])[process]
        return f"{container.image} {container.image_hash}".strip()

    def start(self, process: str) -> None:
        """Start one declared container and wait until it is ready; no effect if it runs."""
        require_declared(self.name, process, self._specs)
        refuse_barred(self.name, (process,), self._barred)
        if not self._is_up():
            raise SiteDown(f'cannot start process "{process}": site "{self.name}" is not up')
        container = self._fleet.named([process])[process]
        self._fleet.daemon.start(container)
        self._wait_until_ready(process, container)

    def stop(self, process: str) -> None:
        """End one container: its stop signal, then SIGKILL. No effect if it does not run."""
        for container in self._fleet.alive():
            if container.process == process:
                self._fleet.daemon.stop(container, self._spec(process).stop_seconds)

    def running(self) -> dict[str, int]:
        """Names in the order of starting, with the number of each first process as the daemon sees it."""
        return {one.process: one.pid for one in self._fleet.alive() if one.pid}

    def stores(self) -> dict[str, tuple[Path, ...]]:
        """Where each running container may write what outlives it, on the daemon's machine."""
        return {one.process: one.stores for one in self._fleet.alive()}

    def targets(self) -> list[Target]:
        """The site whole and each container. The next `kill` has nothing left to look up."""
        self._aim = self._fleet.alive()
        if not self._is_up():
            return []
        whole: dict[str, object] = {"label": self._fleet.label, "daemon": str(self._fleet.daemon)}
        return [
            Target(self.name, "site", self.name, whole),
            *(Target(self.name, "process", one.process, _detail(one)) for one in self._aim),
        ]

    def kill(self) -> Proof:
        """SIGKILL every container; return once the last one is proven gone, or with why not."""
        began = time.monotonic()
        known, self._aim = self._aim, []
        if not self._fleet.kill(known, began + KILL_SECONDS) and (life := Life.load(self.path)) is not None:
            life.over().save(self.path)
        proof = self.proven_gone()
        took = round((time.monotonic() - began) * 1000, 3)
        return Proof(proof.holds, proof.how, {**proof.detail, "kill_and_proof_ms": took})

    def proven_gone(self) -> Proof:
        """Whether no container of the site runs any more, as the daemon says. Unknown is never gone."""
        life = Life.load(self.path)
        try:
            found = self._fleet.all()
        except SiteError as error:
            return Proof(False, f"nothing can be proven: {error}")
        detail: dict[str, object] = {
            "containers": {one.process: f"{one.id[:12]} {one.state}" for one in found}
        }
        left = [one.process for one in found if one.alive]
        if left:
            return Proof(False, f"{len(left)} of its containers are alive: {', '.join(left)}", detail)
        if not any(one.was_started for one in found):
            how = f'none of the containers of site "{self.name}" was ever started: nothing can be proven'
            return Proof(False, how, detail)
        if life is not None and life.up:
            return Proof(
                False, "none of its containers runs, but the site was not taken down or killed", detail
            )
        return Proof(True, f"none of its {len(found)} containers runs", detail)

    def kill_process(self, process: str) -> Proof:
        """SIGKILL one container; return once it is proven gone. One that does not run is gone."""
        return self._fleet.kill_one(process, time.monotonic() + KILL_SECONDS)

    def pause(self) -> Proof:
        """Freeze every process of every container; return once the last one is held."""
        self._fleet.pause()
        return self.paused()

    def resume(self) -> Proof:
        """Let all of them go on; the proof says whether none is held any more."""
        return self._fleet.resume()

    def paused(self) -> Proof:
        return self._fleet.paused()

    def cannot_partition(self) -> str | None:
        """Why it cannot be done here; None if it can. Changes nothing."""
        return self._fleet.cannot_partition()

    def partition(self, direction: Direction) -> Proof:
        """Drop packets at every container from now on; return once that is in force at the last one.

        Where it takes long a failover's fence may have killed them since: they were cut off all the same.
        """
        those = self._fleet.cut(direction)
        proof = self.partitioned()
        if those and not proof.holds and not self._fleet.alive():
            return Proof(True, f"all {len(those)} containers were cut off, and none of them runs any more")
        return proof

    def reconnect(self) -> Proof:
        """Drop none any more; the proof says whether no container of the site is cut off."""
        return self._fleet.mend()

    def partitioned(self) -> Proof:
        return self._fleet.cut_off()

    def cannot_slow(self, wanted: Slowness) -> str | None:
        return self._fleet.cannot_slow(wanted)

    def slow(self, wanted: Slowness) -> Proof:
        """Lose packets at every container, limit what it sends, or both; return once that is in force."""
        self._fleet.slow(wanted)
        return self.slowed()

    def quicken(self) -> Proof:
        return self._fleet.quicken()

    def slowed(self) -> Proof:
        return self._fleet.slowed()

    def own_folders(self, process: str) -> tuple[PurePosixPath, ...]:
        """Its volumes; a folder of the daemon's machine may be anybody's."""
        return self._fleet.named([process])[process].volumes

    def foreign_folders(self) -> tuple[PurePosixPath, ...]:
        return tuple(map(PurePosixPath, _FOREIGN))

    def at_volume(self, process: str, script: str, *, limit_seconds: float) -> list[str]:
        """In a short-lived container of its image, with its volumes. The daemon has its own time limit."""
        del limit_seconds
        daemon, there = self._fleet.daemon, self._fleet.named([process])[process]
        machine, kept = _FOREIGN
        code, said = daemon.at_volumes(there, ["sh", "-c", script], {"/": machine, daemon.root(): kept})
        if code != 0:
            raise SiteError(f'cannot work on the volumes of container "{there.name}": {said.strip()}')
        return said.splitlines()

    def _is_up(self) -> bool:
        """Brought up by us and not lost since, or running whoever started it."""
        life = Life.load(self.path)
        return (life is not None and life.up) or bool(self._fleet.alive())

    def _spec(self, process: str) -> ContainerSpec:
        return self._specs.get(process, ContainerSpec())

    def _wait_until_ready(self, name: str, container: Container) -> None:
        spec = self._spec(name)
        deadline = time.monotonic() + spec.ready_seconds
        while True:
            reason = spec.ready.reason_not() if spec.ready else None
            now = self._fleet.daemon.container(container.id)
            if now is None or not now.alive:
                raise self._not_ready(name, container, "it ended")
            if reason is None:
                return
            if time.monotonic() > deadline:
                raise self._not_ready(name, container, f"not within {spec.ready_seconds:g} s ({reason})")
            time.sleep(_POLL_SECONDS)

    def _not_ready(self, name: str, container: Container, why: str) -> SiteError:
        said = self._fleet.daemon.log(container, _LOG_LINES_SHOWN).rstrip()
        return SiteError(
            f'process "{name}" at site "{self.name}" did not get ready: {why}'
            + (f"\n{said}" if said else ""),
            hint=f"see `docker logs {container.name}`",
        )


def _detail(container: Container) -> dict[str, object]:
    return {
        "pid": container.pid,
        "container": container.id,
        "addresses": dict(container.addresses),
        "published": dict(container.published),
    }
