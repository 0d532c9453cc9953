"""All containers of one site at once: the site is hit as one, and what was done is proven by asking again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sites.capability import Proof
from sites.drivers.containers import partition
from sites.drivers.containers.daemon import Container, Daemon
from sites.drivers.slow import Slow
from sites.errors import SiteError
from sites.strikable import Direction, Slowness

_Told = TypeVar("_Told")
_IF_THERE = (
    "sh",
    "-c",
    'exec "$0" "$@"',
)  # a program that an image lacks is said to be missing, by its exit code


class Fleet:
    """Those that carry the site's label, as the daemon knows them now. Nothing is kept here."""

    def __init__(self, site: str, label: str, daemon: Daemon) -> None:
        self._site = site
        self.label = label
        self.daemon = daemon

    def all(self) -> list[Container]:
        return self.daemon.containers(self.label)

    def alive(self) -> list[Container]:
        return [one for one in self.all() if one.alive]

    def named(self, names: Collection[str]) -> dict[str, Container]:
        """All by their names. Raises SiteError for one of `names` that nobody has made."""
        found = {one.process: one for one in self.all()}
        for name in names:
            if name not in found:
                raise SiteError(
                    f'site "{self._site}" has no container for process "{name}"',
                    hint=f"make one, labelled blackstart.site={self.label} and blackstart.process={name}",
                )
            if found[name].restart == "always":
                raise SiteError(
                    f'container "{found[name].name}" is restarted always: once killed it would come back '
                    "together with the daemon, and be a second writer",
                    hint='give it the restart policy "unless-stopped", "on-failure" or "no"',
                )
        return found

    def kill(self, known: Collection[Container], deadline: float) -> list[Container]:
        """SIGKILL those and whatever else is alive, until none is or the time is up; who is left."""
        left = list(known) or self.alive()
        while left and time.monotonic() < deadline:
            self._each(left, self._put_to_death)
            left = self.alive()  # one that was started meanwhile is in it too
        return left

    def kill_one(self, process: str, deadline: float) -> Proof:
        while hit := [one for one in self.alive() if one.process == process]:
            if time.monotonic() > deadline:
                return Proof(False, f'container "{hit[0].name}" is {hit[0].state}')
            self._each(hit, self._put_to_death)
        return Proof(True, f'no container of process "{process}" runs')

    def pause(self) -> None:
        self._each(self.alive(), self.daemon.pause)

    def resume(self) -> Proof:
        self._each([one for one in self.alive() if one.state == "paused"], self.daemon.unpause)
        held = _names([one for one in self.alive() if one.state == "paused"])
        return Proof(not held, f"still paused: {held}" if held else "no container is paused")

    def paused(self) -> Proof:
        alive = self.alive()
        return _all_of(alive, [one for one in alive if one.state == "paused"], "paused")

    def cannot_partition(self) -> str | None:
        alive = self.alive()
        reasons = self._each(alive, lambda one: partition.why_not(self.daemon, one))
        return next((why for why in reasons if why), None) if alive else "no container runs"

    def cut(self, direction: Direction) -> list[Container]:
        """Those that were cut off, which is all of them."""
        those = self.alive()
        self._each(those, lambda one: partition.cut(self.daemon, one, direction))
        return those

    def cut_off(self) -> Proof:
        alive = self.alive()
        return _all_of(alive, self._without_packets(alive), "dropping packets")

    def mend(self) -> Proof:
        """What has ended took its cut along."""
        self._each(self.alive(), lambda one: partition.mend(self.daemon, one))
        left = _names(self._without_packets(self.alive()))
        return Proof(not left, f"still cut off: {left}" if left else "no container is cut off")

    def cannot_slow(self, wanted: Slowness) -> str | None:
        """A relay would have to run beside each container, and its image may have nothing to run one."""
        if wanted.latency_seconds:
            return "latency takes a relay, and nothing runs one beside a container: loss and rate can be had"
        alive = self.alive()
        for one in alive:
            if one.network_mode == "host":
                return f'container "{one.name}" has the machine\'s own network; slowing that hits everybody'
        reasons = self._each(alive, lambda one: self._slow(one).why_not(wanted))
        return next((why for why in reasons if why), None) if alive else "no container runs"

    def slow(self, wanted: Slowness) -> None:
        def act(one: Container) -> None:
            if wanted.loss_percent:
                self._slow(one).lose(wanted.loss_percent)
            if wanted.rate_bits:
                self._slow(one).limit(wanted.rate_bits)

        self._each(self.alive(), act)

    def slowed(self) -> Proof:
        alive = self.alive()
        return _all_of(alive, self._slow_ones(alive), "slow")

    def quicken(self) -> Proof:
        """What has ended is not slow any more."""
        self._each(self.alive(), lambda one: self._slow(one).clear())
        left = _names(self._slow_ones(self.alive()))
        return Proof(not left, f"still slow: {left}" if left else "no container is slow")

    def _slow_ones(self, containers: Collection[Container]) -> list[Container]:
        told = self._each(containers, lambda one: self._slow(one).marks())
        return [one for one, marks in zip(containers, told, strict=True) if marks]

    def _slow(self, container: Container) -> Slow:
        where = f'container "{container.name}"'
        return Slow(where, lambda argv: self.daemon.beside(container, [*_IF_THERE, *argv]))

    def _without_packets(self, containers: Collection[Container]) -> list[Container]:
        told = self._each(containers, lambda one: partition.is_cut(self.daemon, one))
        return [one for one, cut in zip(containers, told, strict=True) if cut]

    def _put_to_death(self, container: Container) -> None:
        """One that the daemon is about to start again has no process to kill: it is told not to."""
        if container.state == "restarting":
            self.daemon.stop(container, 0)
        self.daemon.kill(container)

    def _each(self, containers: Collection[Container], act: Callable[[Container], _Told]) -> list[_Told]:
        """The first error is raised when all is done."""
        if not containers:
            return []
        with ThreadPoolExecutor(len(containers)) as pool:
            return [done.result() for done in [pool.submit(act, one) for one in containers]]


def _all_of(alive: Collection[Container], those: Collection[Container], what: str) -> Proof:
    detail: dict[str, object] = {"containers": {one.process: one.id[:12] for one in those}}
    if not alive:
        return Proof(False, "no container runs", detail)
    others = _names([one for one in alive if one not in those])
    if others:
        return Proof(False, f"not {what}: {others}", detail)
    return Proof(True, f"all {len(alive)} containers are {what}", detail)


def _names(containers: Collection[Container]) -> str:
    return ", ".join(one.process for one in containers)
